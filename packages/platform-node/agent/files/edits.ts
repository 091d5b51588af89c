/** Editing a file by replacing pieces of text, all of them or none. */
import * as Fs from "node:fs"
import type { Operation } from "../operation.js"
import { type Args, isRecord, path, text } from "../wire/args.js"
import { about, Failure } from "../wire/failure.js"
import { unifiedDiff } from "./diff.js"
import { openRegular, readUpTo, replacing, writeAll } from "./readFile.js"

const mostBytes = 16 * 1024 * 1024
const mostEdits = 500
const mostDiffCharacters = 1024 * 1024
const longestBeginning = 60

type Edit = { readonly oldText: string; readonly newText: string }

export const editFile: Operation = async ({ args }) => {
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

const editsOf = (args: Args): ReadonlyArray<Edit> => {
  const edits = args["edits"]
  if (!Array.isArray(edits)) throw new Failure("EINVAL", "Invalid argument: edits must be a list")
  if (edits.length > mostEdits) throw new Failure("EINVAL", `Invalid argument: edits has at most ${mostEdits} entries`)
  return edits.map((edit: unknown, index) => {
    if (!isRecord(edit)) throw new Failure("EINVAL", `Invalid argument: edit ${index + 1} must be an object`)
    const oldText = text(edit, "oldText")
    if (oldText === "") throw new Failure("EINVAL", `Invalid argument: oldText of edit ${index + 1} is empty`)
    return { oldText, newText: text(edit, "newText") }
  })
}

/** Replaces the first occurrence. In bytes, so that what is not valid UTF-8 elsewhere in the file stays as it is. */
const apply = (
  bytes: Buffer,
  { newText, oldText }: Edit,
  { file, number }: { readonly number: string; readonly file: string }
) => {
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

const beginning = (text: string) => {
  const characters = Array.from(text.slice(0, 2 * longestBeginning))
  const shown = characters.slice(0, longestBeginning).join("")
  return JSON.stringify(shown) + (shown.length < text.length ? "…" : "")
}

/** What is easily overlooked. */
const hint = (bytes: Buffer, oldText: string) => {
  const blank = (text: string) => text.replace(/\s+/g, "")
  if (bytes.toString("utf8").replaceAll("\r\n", "\n").includes(oldText.replaceAll("\r\n", "\n"))) {
    return ", though it does with other ends of lines"
  }
  const bare = blank(oldText)
  return bare !== "" && blank(bytes.toString("utf8")).includes(bare) ? ", though it does with other white space" : ""
}

const readWhole = (file: string) => {
  const { fd, size } = openRegular(file, Fs.constants.O_RDONLY)
  try {
    const bytes = size > mostBytes ? undefined : readUpTo(fd, mostBytes + 1)
    if (bytes !== undefined && bytes.length <= mostBytes) return bytes
    throw new Failure("EFBIG", `Larger than ${mostBytes} bytes, too large to edit: ${file}`)
  } finally {
    Fs.closeSync(fd)
  }
}

const writeWhole = (file: string, bytes: Buffer) => {
  const { abort, commit, fd } = replacing(file)
  try {
    writeAll(fd, bytes)
  } catch (error) {
    abort()
    throw error
  } finally {
    Fs.closeSync(fd)
  }
  commit()
}

const shorten = (diff: string) => {
  if (diff.length <= mostDiffCharacters) return diff
  const end = diff.lastIndexOf("\n", mostDiffCharacters) + 1
  return `${diff.slice(0, end)}… (${diff.length - end} more characters)\n`
}
