// @ts-check
"use strict"

/**
 * Real pipes for the processes the agent starts. What Node calls a pipe is a socket pair, on which `echo x >/dev/stderr`
 * fails and which Java and R cannot open; so these are FIFOs, made in batches, unlinked at once and used again.
 */
const { spawn } = require("node:child_process")
const fs = require("node:fs")
const { join } = require("node:path")
const { readAll } = require("./connection.cjs")
const { about, failureOf } = require("./failure.cjs")
const { ownPrefix } = require("./ownFiles.cjs")

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants
const batch = 8

/**
 * @typedef {object} Pipe
 * @property {number} ours the end the agent keeps
 * @property {number} theirs the end for the child, to be closed here once the child has it
 * @property {number} handle keeps the FIFO alive between uses
 */

/** @typedef {"fromChild" | "toChild"} Direction */

/**
 * @typedef {object} Pipes
 * @property {(...directions: ReadonlyArray<Direction>) => Promise<Array<Pipe>>} take
 * @property {(pipe: Pipe, onChunk: (chunk: Buffer) => void, onEnd: () => void) => import("node:net").Socket} read reads a
 *   pipe from a child until no process has its other end any more, and keeps the pipe for a later child
 * @property {() => void} prepare makes the first pipes before they are needed
 * @property {(pipe: Pipe) => void} drop for a pipe that nobody reads
 */

/**
 * @param {string} tmp a directory to make them in
 * @returns {Pipes}
 */
const makePipes = (tmp) => {
  /** @type {Array<number>} */
  const spare = []
  /** @type {Promise<void> | undefined} */
  let making

  const refill = () =>
    making ??= makeFifos(tmp).then((made) => void spare.push(...made)).finally(() => {
      making = undefined
    })

  /** @type {Pipes["take"]} */
  const take = async (...directions) => {
    while (spare.length < directions.length) await refill()
    /** @type {Array<Pipe>} */
    const taken = []
    try {
      for (const direction of directions) taken.push(openEnds(/** @type {number} */ (spare.pop()), direction))
      return taken
    } catch (error) {
      for (const { handle, ours, theirs } of taken) for (const fd of [ours, theirs, handle]) fs.closeSync(fd)
      throw failureOf(error, "a pipe for a process")
    }
  }

  /** @type {Pipes["read"]} */
  const read = (pipe, onChunk, onEnd) =>
    readAll(pipe.ours, onChunk, () => {
      if (spare.length < 2 * batch) spare.push(pipe.handle)
      else fs.closeSync(pipe.handle)
      onEnd()
    })

  const prepare = () => void refill().catch(() => undefined)

  return { take, read, prepare, drop: (pipe) => fs.closeSync(pipe.handle) }
}

/**
 * @param {number} handle
 * @param {Direction} direction
 * @returns {Pipe}
 */
const openEnds = (handle, direction) => {
  const path = `/proc/self/fd/${handle}`
  const [our, their] = direction === "fromChild" ? [O_RDONLY, O_WRONLY] : [O_WRONLY, O_RDONLY]
  const opened = [handle]
  try {
    const ours = fs.openSync(path, our | O_NONBLOCK)
    opened.push(ours)
    return { ours, theirs: fs.openSync(path, their), handle }
  } catch (error) {
    for (const fd of opened) fs.closeSync(fd)
    throw error
  }
}

/** @param {string} tmp */
const makeFifos = async (tmp) => {
  /** @type {Array<number>} */
  const handles = []
  const directory = about(`pipes in ${tmp}`, () => fs.mkdtempSync(join(tmp, ownPrefix("pipes"))))
  const paths = Array.from({ length: batch }, (_, index) => join(directory, String(index)))
  try {
    await mkfifo(paths)
    for (const path of paths) handles.push(fs.openSync(path, O_RDONLY | O_NONBLOCK))
    return handles
  } catch (error) {
    for (const handle of handles) fs.closeSync(handle)
    throw failureOf(error, `pipes in ${tmp}`)
  } finally {
    for (const path of paths) fs.rmSync(path, { force: true })
    fs.rmdirSync(directory)
  }
}

/**
 * @param {ReadonlyArray<string>} paths
 * @returns {Promise<void>}
 */
const mkfifo = (paths) =>
  new Promise((resolve, reject) => {
    const child = spawn("mkfifo", ["-m", "600", ...paths], { env: { PATH: "/usr/bin:/bin" }, stdio: "ignore" })
    child.on("error", reject)
    child.on("exit", (code) => code === 0 ? resolve() : reject(new Error(`mkfifo ended with exit code ${code}`)))
  })

module.exports = { makePipes }
