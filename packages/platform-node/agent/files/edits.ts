/** Editing a file by replacing text: all edits are applied, or none. */
import { closeSync, constants } from "node:fs"
import { type Args, isRecord, pathArg, stringArg } from "../wire/args.js"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Operation } from "../wire/operation.js"
import { unifiedDiff } from "./diff.js"
import { openRegular, readUpTo, writeAll } from "./regularFile.js"
import { stageReplacement } from "./stagedFile.js"

const maxBytes = 16 * 1024 * 1024
const maxEdits = 500
const maxDiffCharacters = 1024 * 1024
const maxExcerpt = 60

interface Edit {
  readonly oldText: string
  readonly newText: string
}

export const editFile: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  const before = mapErrors(file, () => readWhole(file))
  const edits = editsOf(args)
  const after = edits.reduce(
    (bytes, edit, index) => apply(bytes, edit, { file, number: `${index + 1} of ${edits.length}` }),
    before
  )
  const diff = unifiedDiff(file, before.toString("utf8"), after.toString("utf8"))
  if (args["dryRun"] !== true && !after.equals(before)) mapErrors(file, () => writeWhole(file, after))
  return { value: { diff: shorten(diff) } }
}

const editsOf = (args: Args): ReadonlyArray<Edit> => {
  const edits = args["edits"]
  if (!Array.isArray(edits)) throw new Failure("EINVAL", "Invalid argument: edits must be a list")
  if (edits.length > maxEdits) throw new Failure("EINVAL", `Invalid argument: edits has at most ${maxEdits} entries`)
  return edits.map((edit: unknown, index) => {
    if (!isRecord(edit)) throw new Failure("EINVAL", `Invalid argument: edit ${index + 1} must be an object`)
    const oldText = stringArg(edit, "oldText")
    if (oldText === "") throw new Failure("EINVAL", `Invalid argument: oldText of edit ${index + 1} is empty`)
    return { oldText, newText: stringArg(edit, "newText") }
  })
}

/** Replaces the first occurrence, in bytes: invalid UTF-8 elsewhere in the file is preserved. */
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
      `The old text of edit ${number}, ${excerpt(oldText)}, does not occur${hint(bytes, oldText)}; ` +
        `nothing was changed: ${file}`
    )
  }
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(newText, "utf8"), bytes.subarray(at + old.length)])
}

const excerpt = (text: string) => {
  const characters = Array.from(text.slice(0, 2 * maxExcerpt))
  const shown = characters.slice(0, maxExcerpt).join("")
  return JSON.stringify(shown) + (shown.length < text.length ? "…" : "")
}

/** Common reasons for a mismatch. */
const hint = (bytes: Buffer, oldText: string) => {
  const blank = (text: string) => text.replace(/\s+/g, "")
  if (bytes.toString("utf8").replaceAll("\r\n", "\n").includes(oldText.replaceAll("\r\n", "\n"))) {
    return ", though it does with other ends of lines"
  }
  const bare = blank(oldText)
  return bare !== "" && blank(bytes.toString("utf8")).includes(bare) ? ", though it does with other white space" : ""
}

const readWhole = (file: string) => {
  const { fd, size } = openRegular(file, constants.O_RDONLY)
  try {
    const bytes = size > maxBytes ? undefined : readUpTo(fd, maxBytes + 1)
    if (bytes !== undefined && bytes.length <= maxBytes) return bytes
    throw new Failure("EFBIG", `Larger than ${maxBytes} bytes, too large to edit: ${file}`)
  } finally {
    closeSync(fd)
  }
}

const writeWhole = (file: string, bytes: Buffer) => {
  const { abort, commit, fd } = stageReplacement(file)
  try {
    writeAll(fd, bytes)
  } catch (error) {
    abort()
    throw error
  } finally {
    closeSync(fd)
  }
  commit()
}

const shorten = (diff: string) => {
  if (diff.length <= maxDiffCharacters) return diff
  const end = diff.lastIndexOf("\n", maxDiffCharacters) + 1
  return `${diff.slice(0, end)}… (${diff.length - end} more characters)\n`
}
