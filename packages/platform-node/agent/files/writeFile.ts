/** Writing a file: its contents go to the disk as they arrive, and what fails half-way is undone. */
import * as Fs from "node:fs"
import type { Reply } from "../operation.js"
import { type Args, path, text } from "../wire/args.js"
import { about, Failure, failureOf } from "../wire/failure.js"
import { creating, openRegular, replacing, type Staged, writeAll } from "./readFile.js"

const { O_APPEND, O_CREAT, O_WRONLY } = Fs.constants

const modes: Record<string, (file: string) => Staged> = {
  overwrite: replacing,
  append: (file) => {
    const { fd, size } = openRegular(file, O_WRONLY | O_APPEND | O_CREAT)
    return { fd, commit: () => {}, abort: () => Fs.ftruncateSync(fd, size) }
  },
  create_new: creating
}

/**
 * Takes the contents of a file piece by piece; `end` makes them the file's, or throws the first thing that went wrong.
 */
export const receiveFile = (args: Args): { readonly write: (chunk: Buffer) => void; readonly end: () => Reply } => {
  let writing: Staged | undefined
  let failure: Failure | undefined
  let bytesWritten = 0

  const attempt = (step: () => void) => {
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
      if (writing !== undefined) Fs.closeSync(writing.fd)
      if (failure !== undefined) throw failure
      return { value: { bytesWritten } }
    }
  }
}

const open = (file: string, mode: string) => {
  const found = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (found === undefined) {
    throw new Failure("EINVAL", `Invalid argument: mode must be one of ${Object.keys(modes).join(", ")}`)
  }
  return about(file, () => found(file))
}
