/** The environment of JavaScript code: its streams and globals, and a module cache without the kernel's modules. */
import { Console } from "node:console"
import { existsSync, writeSync } from "node:fs"
import Module, { createRequire } from "node:module"
import { basename, delimiter, dirname, join } from "node:path"
import { Readable, Writable } from "node:stream"
import { pathToFileURL } from "node:url"
import { importName, importNamesName, makeImportNames, metaName, thisName } from "./moduleGlobals.js"

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

/** What an earlier run writes while another is running must not be taken for the output of that one. */
const makeStream = (fd: 1 | 2, strayRun: () => string | undefined) => {
  const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
    const stray = strayRun()
    if (stray === undefined) writeAll(fd, chunk)
    else writeStray(stray, chunk.toString())
    done()
  }
  return Object.assign(new Writable({ write }), { fd })
}

/** Output of a run that has ended goes to the standard error of the current one, and says whose it is. */
export const writeStray = (run: string, text: string) =>
  writeAll(2, Buffer.from(`[from run ${run}, which has ended] ${text.endsWith("\n") ? text : `${text}\n`}`))

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

type Import = (from: string, options?: object) => Promise<Readonly<Record<string, unknown>>>

/** `import(…)` as in a module at that path. */
const importerAt = (file: string): Import => {
  const importer = new Module(file)
  const load = importer as unknown as { _compile(code: string, file: string): void }
  load._compile("module.exports = (from, options) => import(from, options)", file)
  return importer.exports
}

const isPackage = (from: string) => /^(?:@[^/]+\/)?[^./:#][^:]*$/.test(from)

/** Finds packages that are installed globally too, as `require` does. */
const makeImport = (file: string): Import => {
  const load = importerAt(file)
  const folders = (process.env["NODE_PATH"] ?? "").split(delimiter).filter((folder) =>
    basename(folder) === "node_modules"
  )
  return async (from, options) => {
    try {
      return await load(from, options)
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"
      const [name = ""] = /^(?:@[^/]+\/)?[^/]+/.exec(String(from)) ?? []
      const folder = isMissing && isPackage(name) ? folders.find((folder) => existsSync(join(folder, name))) : undefined
      if (folder === undefined) throw error
      return importerAt(join(dirname(folder), basename(file)))(from, options)
    }
  }
}

/** As Node has it for the file that a program begins with. */
const mainModule = (file: string) => {
  const { _nodeModulePaths: pathsOf } = Module as unknown as { _nodeModulePaths(folder: string): ReadonlyArray<string> }
  const path = process.cwd()
  return Object.assign(new Module("."), { filename: file, parent: null, path, paths: pathsOf(path) })
}

/** Declarations of the code may take the names of globals, which an accessor that cannot be set ignores. */
export const freeGlobals = () => {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    if (property.get === undefined || property.set !== undefined || property.configurable !== true) continue
    const { configurable, enumerable } = property
    const shape = { configurable, enumerable: enumerable === true }
    const set = (value: unknown) => Object.defineProperty(globalThis, name, { ...shape, value, writable: true })
    Object.defineProperty(globalThis, name, { ...property, set })
  }
}

let stdin: ReturnType<typeof makeStdin> | undefined

/** Hides the kernel's own modules from the code. */
export const clearModuleCache = () => {
  delete process.mainModule
  for (const file of Object.keys(require.cache)) delete require.cache[file]
}

/**
 * Modules are resolved from the working directory, as for a file in it whose path is returned. `strayRun` returns the run that
 * the executing code belongs to if another one is running.
 */
export const prepareGlobals = (strayRun: () => string | undefined) => {
  const file = join(process.cwd(), "[code]")
  const importFrom = makeImport(file)
  const getStdin = () => stdin = stdin === undefined || stdin.destroyed ? makeStdin() : stdin
  const prompt = () => {
    throw new Error(noInput)
  }
  const main = mainModule(file)
  const globals = {
    require: Object.assign(createRequire(file), { main }),
    module: main,
    exports: main.exports,
    __filename: file,
    __dirname: process.cwd(),
    [importName]: importFrom,
    [importNamesName]: makeImportNames(importFrom),
    [thisName]: main.exports,
    [metaName]: { dirname: process.cwd(), filename: file, url: pathToFileURL(file).href },
    prompt
  }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
  const stdout = makeStream(1, strayRun)
  const stderr = makeStream(2, strayRun)
  Object.defineProperty(process, "stdout", { value: stdout, configurable: true, enumerable: true })
  Object.defineProperty(process, "stderr", { value: stderr, configurable: true, enumerable: true })
  Object.defineProperty(process, "stdin", { get: getStdin, configurable: true, enumerable: true })
  // A console of one's own lacks what serves an inspector: without one it does nothing.
  globalThis.console = Object.assign(new Console({ stdout, stderr }), { profile() {}, profileEnd() {}, timeStamp() {} })
  process.argv.splice(1, process.argv.length, file)
  process.execArgv.length = 0
  return file
}
