// @ts-check
"use strict"

/** Editing a file by replacing pieces of text, all of them or none. */
const fs = require("node:fs")
const { isRecord, path, text } = require("./args.cjs")
const { unifiedDiff } = require("./diff.cjs")
const { about, Failure } = require("./failure.cjs")
const { openRegular, readUpTo, replacing, writeAll } = require("./files.cjs")

const mostBytes = 16 * 1024 * 1024
const mostEdits = 500
const mostDiffCharacters = 1024 * 1024
const longestBeginning = 60

/** @typedef {{ readonly oldText: string, readonly newText: string }} Edit */

/** @type {import("./operation.cjs").Operation} */
const editFile = async ({ args }) => {
  const file = path(args, "path")
  const before = about(file, () => readWhole(file))
  const edits = editsOf(args)
  const after = edits.reduce(
    (bytes, edit, index) => apply(bytes, edit, { file, number: `${index + 1} of ${edits.length}` }),
    before
  )
  const diff = unifiedDiff(file, before.toString("utf8"), after.toString("utf8"))
  if (args["dryRun"] !== true && !after.equals(before)) about(file, () => writeWhole(file, after))
  return { value: { diff: shorten(diff) } }
}

/**
 * @param {import("./args.cjs").Args} args
 * @returns {ReadonlyArray<Edit>}
 */
const editsOf = (args) => {
  const edits = args["edits"]
  if (!Array.isArray(edits)) throw new Failure("EINVAL", "Invalid argument: edits must be a list")
  if (edits.length > mostEdits) throw new Failure("EINVAL", `Invalid argument: edits has at most ${mostEdits} entries`)
  return edits.map((/** @type {unknown} */ edit, index) => {
    if (!isRecord(edit)) throw new Failure("EINVAL", `Invalid argument: edit ${index + 1} must be an object`)
    const oldText = text(edit, "oldText")
    if (oldText === "") throw new Failure("EINVAL", `Invalid argument: oldText of edit ${index + 1} is empty`)
    return { oldText, newText: text(edit, "newText") }
  })
}

/**
 * Replaces the first occurrence. In bytes, so that what is not valid UTF-8 elsewhere in the file stays as it is.
 *
 * @param {Buffer} bytes
 * @param {Edit} edit
 * @param {{ readonly number: string, readonly file: string }} where
 */
const apply = (bytes, { newText, oldText }, { file, number }) => {
  const old = Buffer.from(oldText, "utf8")
  const at = bytes.indexOf(old)
  if (at < 0) {
    throw new Failure(
      "NO_MATCH",
      `The old text of edit ${number}, ${beginning(oldText)}, does not occur${hint(bytes, oldText)}; ` +
        `nothing was changed: ${file}`
    )
  }
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(newText, "utf8"), bytes.subarray(at + old.length)])
}

/** @param {string} text */
const beginning = (text) => {
  const characters = Array.from(text.slice(0, 2 * longestBeginning))
  const shown = characters.slice(0, longestBeginning).join("")
  return JSON.stringify(shown) + (shown.length < text.length ? "…" : "")
}

/**
 * What is easily overlooked.
 *
 * @param {Buffer} bytes
 * @param {string} oldText
 */
const hint = (bytes, oldText) => {
  const blank = (/** @type {string} */ text) => text.replace(/\s+/g, "")
  if (bytes.toString("utf8").replaceAll("\r\n", "\n").includes(oldText.replaceAll("\r\n", "\n"))) {
    return ", though it does with other ends of lines"
  }
  const bare = blank(oldText)
  return bare !== "" && blank(bytes.toString("utf8")).includes(bare) ? ", though it does with other white space" : ""
}

/** @param {string} file */
const readWhole = (file) => {
  const { fd, size } = openRegular(file, fs.constants.O_RDONLY)
  try {
    const bytes = size > mostBytes ? undefined : readUpTo(fd, mostBytes + 1)
    if (bytes !== undefined && bytes.length <= mostBytes) return bytes
    throw new Failure("EFBIG", `Larger than ${mostBytes} bytes, too large to edit: ${file}`)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * @param {string} file
 * @param {Buffer} bytes
 */
const writeWhole = (file, bytes) => {
  const { abort, commit, fd } = replacing(file)
  try {
    writeAll(fd, bytes)
  } catch (error) {
    abort()
    throw error
  } finally {
    fs.closeSync(fd)
  }
  commit()
}

/** @param {string} diff */
const shorten = (diff) => {
  if (diff.length <= mostDiffCharacters) return diff
  const end = diff.lastIndexOf("\n", mostDiffCharacters) + 1
  return `${diff.slice(0, end)}… (${diff.length - end} more characters)\n`
}

module.exports = { editFile }
