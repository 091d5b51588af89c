// @ts-check
"use strict"

/** What an operation of the agent fails with: an errno-like code and a sentence that names the path and the reason. */

class Failure extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message)
    this.code = code
  }
}

/** @type {Record<string, readonly [code: string, sentence: string]>} */
const known = {
  ENOENT: ["ENOENT", "No such file or directory (not found)"],
  EEXIST: ["EEXIST", "Already exists"],
  EACCES: ["EACCES", "Permission denied"],
  EPERM: ["EACCES", "Operation not permitted"],
  EROFS: ["EACCES", "Read-only file system"],
  EISDIR: ["EISDIR", "Is a directory"],
  ENOTDIR: ["ENOTDIR", "Not a directory"],
  ENOTEMPTY: ["ENOTEMPTY", "Directory not empty"],
  EINVAL: ["EINVAL", "Invalid argument"],
  ENXIO: ["EINVAL", "Not a regular file but a FIFO, a device or a socket"],
  EIO: ["EFAIL", "Input or output error (EIO)"],
  EBUSY: ["EFAIL", "Device or resource busy"],
  ELOOP: ["EINVAL", "Too many levels of symbolic links"],
  ENAMETOOLONG: ["EINVAL", "File name too long"],
  ENOSPC: ["ENOSPC", "No space left on device"],
  EDQUOT: ["ENOSPC", "Disk quota exceeded"],
  EFBIG: ["EFBIG", "File too large"],
  EAGAIN: ["EFAIL", "Out of processes or memory (EAGAIN)"],
  EMFILE: ["EFAIL", "Too many open files (EMFILE)"],
  ENFILE: ["EFAIL", "Too many open files in the system (ENFILE)"],
  ENOMEM: ["EFAIL", "Out of memory (ENOMEM)"]
}

/** @param {unknown} error */
const codeOf = (error) => error instanceof Error && "code" in error ? String(error.code) : ""

/**
 * Any error as a Failure about `subject`.
 *
 * @param {unknown} error
 * @param {string} subject
 * @returns {Failure}
 */
const failureOf = (error, subject) => {
  if (error instanceof Failure) return error
  const found = known[codeOf(error)]
  if (found !== undefined) return new Failure(found[0], `${found[1]}: ${subject}`)
  return new Failure("EFAIL", `${wordsOf(error)}: ${subject}`)
}

/**
 * Without the call and the path that it failed on, which is not the path that anybody asked for.
 *
 * @param {unknown} error
 */
const wordsOf = (error) => error instanceof Error ? error.message.replace(/, [a-z]+(?: '.*)?$/s, "") : String(error)

/**
 * @template A
 * @param {string} subject
 * @param {() => A} body
 * @returns {A}
 */
const about = (subject, body) => {
  try {
    return body()
  } catch (error) {
    throw failureOf(error, subject)
  }
}

module.exports = { Failure, codeOf, failureOf, about }
