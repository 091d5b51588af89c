// @ts-check
"use strict"

/** Writing many files, or a large one piece by piece: each gets its name in one step when it is whole. */
const fs = require("node:fs")
const { dirname } = require("node:path")
const { count, isRecord, path } = require("./args.cjs")
const { makeFolders } = require("./directories.cjs")
const { Failure, failureOf } = require("./failure.cjs")
const { at } = require("./places.cjs")

/** @typedef {import("./args.cjs").Args} Args */

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants

/** The names of files that are not whole yet. */
const temporaryName = /^\.[0-9a-f]{16}\.part$/

/**
 * @param {string} file
 * @param {number} offset
 */
const open = (file, offset) => {
  if (offset > 0) return at(file, false, (path) => fs.openSync(path, O_WRONLY | O_NOFOLLOW))
  makeFolders(dirname(file))
  return at(file, false, (path) => fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666))
}

/**
 * What changes whenever a file does.
 *
 * @param {fs.BigIntStats} stat
 */
const stampOf = ({ ctimeNs, ino, mtimeNs, size }) => `${ino}-${size}-${mtimeNs}-${ctimeNs}`

/** @param {string} file */
const forget = (file) => {
  try {
    at(file, false, (path) => fs.unlinkSync(path))
  } catch { /* it has its name by then, or is gone */ }
}

/**
 * One part: `length` bytes at `offset` of the file `path`; with `commit` it then becomes that file.
 *
 * @param {Args} part
 */
const makePart = (part) => {
  /** @type {number | undefined} */
  let fd
  /** @type {Failure | undefined} */
  let failure
  let position = count(part, "offset") ?? 0

  /** @param {() => void} step */
  const attempt = (step) => {
    if (failure !== undefined) return
    try {
      step()
    } catch (error) {
      failure = failureOf(error, String(part["commit"] ?? part["path"]))
    }
  }

  attempt(() => {
    fd = open(path(part, "path"), position)
  })

  const commit = () => {
    if (part["commit"] === undefined || fd === undefined) return ""
    fs.fchmodSync(fd, (count(part, "mode") ?? 0o644) & 0o777)
    at(path(part, "path"), false, (from) => at(path(part, "commit"), false, (to) => fs.renameSync(from, to)))
    return stampOf(fs.fstatSync(fd, { bigint: true }))
  }

  return {
    left: count(part, "length") ?? 0,
    /** @param {Buffer} chunk */
    write: (chunk) =>
      attempt(() => {
        if (fd === undefined) return
        for (let done = 0; done < chunk.length;) {
          const written = fs.writeSync(fd, chunk, done, chunk.length - done, position)
          done += written
          position += written
        }
      }),
    /** @param {boolean} isWhole */
    end: (isWhole) => {
      let stamp = ""
      attempt(() => {
        if (!isWhole) throw new Failure("EINVAL", "Invalid argument: parts announce more bytes than came")
        stamp = commit()
      })
      if (fd !== undefined) fs.closeSync(fd)
      if (failure === undefined) return { stamp }
      if (fd !== undefined) forget(path(part, "path"))
      return { code: failure.code, message: failure.message.slice(0, 500) }
    }
  }
}

/**
 * Takes the bytes of all parts, one after the other. A part that fails says so and does not stop the others.
 *
 * @param {Args} args
 * @returns {{ readonly write: (chunk: Buffer) => void, readonly end: () => import("./operation.cjs").Reply }}
 */
const receiveParts = (args) => {
  const wanted = Array.isArray(args["parts"]) ? args["parts"].filter(isRecord) : []
  /** @type {Array<unknown>} */
  const results = []
  /** @type {ReturnType<typeof makePart> | undefined} */
  let current

  const advance = () => {
    while (current === undefined || current.left === 0) {
      if (current !== undefined) results.push(current.end(true))
      const next = wanted[results.length]
      current = undefined
      if (next === undefined) return
      current = makePart(next)
    }
  }

  return {
    write: (chunk) => {
      for (let from = 0; from < chunk.length;) {
        advance()
        if (current === undefined) return
        const piece = chunk.subarray(from, from + current.left)
        current.write(piece)
        current.left -= piece.length
        from += piece.length
      }
    },
    end: () => {
      advance()
      if (current !== undefined) results.push(current.end(false))
      return { value: results }
    }
  }
}

module.exports = { temporaryName, stampOf, receiveParts }
