// @ts-check
"use strict"

/** What JavaScript code finds around it: its streams, its global names, and no module but its own. */
const { Console } = require("node:console")
const fs = require("node:fs")
const Module = require("node:module")
const { createRequire } = Module
const { join } = require("node:path")
const { Readable, Writable } = require("node:stream")
const { pathToFileURL } = require("node:url")
const { importName, metaName } = require("./importRewrite.cjs")

/**
 * Writes all of it before it returns. A child that shares the pipe may have made it non-blocking.
 *
 * @param {number} fd
 * @param {Uint8Array} bytes
 */
const writeAll = (fd, bytes) => {
  for (let at = 0; at < bytes.length;) {
    try {
      at += fs.writeSync(fd, bytes, at)
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/** @param {1 | 2} fd */
const makeStream = (fd) => {
  const write = (/** @type {Buffer} */ chunk, /** @type {unknown} */ _encoding, /** @type {() => void} */ done) => {
    writeAll(fd, chunk)
    done()
  }
  return Object.assign(new Writable({ write }), { fd })
}

const noInput = "There is no standard input: code runs without one"

/** Whoever reads learns at once that nothing will come. */
const makeStdin = () =>
  Object.assign(
    new Readable({
      read() {
        this.destroy(new Error(noInput))
      }
    }),
    { fd: 0 }
  )

/** @type {ReturnType<typeof makeStdin> | undefined} */
let stdin

/** The code is to find its own modules alone. */
const forgetModules = () => {
  delete process.mainModule
  for (const file of Object.keys(require.cache)) delete require.cache[file]
}

/** What the code finds in the global scope; modules are looked up from the working directory. */
const prepareGlobals = () => {
  const file = join(process.cwd(), "[code]")
  const importer = new Module(file)
  const load = /** @type {{ _compile(code: string, file: string): void }} */ (/** @type {unknown} */ (importer))
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

module.exports = { writeAll, forgetModules, prepareGlobals }
