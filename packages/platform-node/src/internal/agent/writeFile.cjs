// @ts-check
"use strict"

/** Writing a file: its contents go to the disk as they arrive, and what fails half-way is undone. */
const fs = require("node:fs")
const { path, text } = require("./args.cjs")
const { about, Failure, failureOf } = require("./failure.cjs")
const { creating, openRegular, replacing, writeAll } = require("./files.cjs")

const { O_APPEND, O_CREAT, O_WRONLY } = fs.constants

/** @typedef {import("./files.cjs").Staged} Staged */

/** @type {Record<string, (file: string) => Staged>} */
const modes = {
  overwrite: replacing,
  append: (file) => {
    const { fd, size } = openRegular(file, O_WRONLY | O_APPEND | O_CREAT)
    return { fd, commit: () => {}, abort: () => fs.ftruncateSync(fd, size) }
  },
  create_new: creating
}

/**
 * Takes the contents of a file piece by piece; `end` makes them the file's, or throws the first thing that went wrong.
 *
 * @param {import("./args.cjs").Args} args
 * @returns {{ readonly write: (chunk: Buffer) => void, readonly end: () => import("./operation.cjs").Reply }}
 */
const receiveFile = (args) => {
  /** @type {Staged | undefined} */
  let writing
  /** @type {Failure | undefined} */
  let failure
  let bytesWritten = 0

  /** @param {() => void} step */
  const attempt = (step) => {
    if (failure !== undefined) return
    try {
      step()
    } catch (error) {
      failure = failureOf(error, String(args["path"]))
      writing?.abort()
    }
  }

  attempt(() => {
    writing = open(path(args, "path"), text(args, "mode"))
  })
  return {
    write: (chunk) =>
      attempt(() => {
        if (writing !== undefined) writeAll(writing.fd, chunk)
        bytesWritten += chunk.length
      }),
    end: () => {
      attempt(() => writing?.commit())
      if (writing !== undefined) fs.closeSync(writing.fd)
      if (failure !== undefined) throw failure
      return { value: { bytesWritten } }
    }
  }
}

/**
 * @param {string} file
 * @param {string} mode
 */
const open = (file, mode) => {
  const found = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (found === undefined) {
    throw new Failure("EINVAL", `Invalid argument: mode must be one of ${Object.keys(modes).join(", ")}`)
  }
  return about(file, () => found(file))
}

module.exports = { receiveFile }
