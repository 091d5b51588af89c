/** The environment of JavaScript code: its streams and globals, and a module cache without the kernel's modules. */
import { Console } from "node:console"
import { writeSync } from "node:fs"
import Module, { createRequire } from "node:module"
import { join } from "node:path"
import { Readable, Writable } from "node:stream"
import { pathToFileURL } from "node:url"
import { importName, metaName } from "./importRewrite.js"

/** Writes synchronously, also if a child process that shares the pipe has made it non-blocking. */
export const writeAll = (fd: number, bytes: Uint8Array) => {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

const makeStream = (fd: 1 | 2) => {
  const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
    writeAll(fd, chunk)
    done()
  }
  return Object.assign(new Writable({ write }), { fd })
}

const noInput = "There is no standard input: code runs without one"

/** Reading fails at once instead of waiting forever. */
const makeStdin = () =>
  Object.assign(
    new Readable({
      read() {
        this.destroy(new Error(noInput))
      }
    }),
    { fd: 0 }
  )

let stdin: ReturnType<typeof makeStdin> | undefined

/** Hides the kernel's own modules from the code. */
export const clearModuleCache = () => {
  delete process.mainModule
  for (const file of Object.keys(require.cache)) delete require.cache[file]
}

/** Modules are resolved from the working directory. */
export const prepareGlobals = () => {
  const file = join(process.cwd(), "[code]")
  const importer = new Module(file)
  const load = importer as unknown as { _compile(code: string, file: string): void }
  load._compile("module.exports = (from, options) => import(from, options)", file)
  const getStdin = () => stdin = stdin === undefined || stdin.destroyed ? makeStdin() : stdin
  const prompt = () => {
    throw new Error(noInput)
  }
  const main = Object.assign(new Module(file), { filename: file })
  const globals = {
    require: Object.assign(createRequire(file), { main }),
    module: main,
    exports: main.exports,
    __filename: file,
    __dirname: process.cwd(),
    [importName]: importer.exports,
    [metaName]: { dirname: process.cwd(), filename: file, url: pathToFileURL(file).href },
    prompt
  }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
  const stdout = makeStream(1)
  const stderr = makeStream(2)
  Object.defineProperty(process, "stdout", { value: stdout, configurable: true, enumerable: true })
  Object.defineProperty(process, "stderr", { value: stderr, configurable: true, enumerable: true })
  Object.defineProperty(process, "stdin", { get: getStdin, configurable: true, enumerable: true })
  globalThis.console = new Console({ stdout, stderr })
  process.argv.length = 1
  process.execArgv.length = 0
}
