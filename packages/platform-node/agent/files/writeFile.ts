/** Writing a file: the contents are written as they arrive, and a write that fails half-way is undone. */
import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync } from "node:fs"
import { type Args, countArg, pathArg, stringArg } from "../wire/args.js"
import { Failure, failureOf, mapErrors } from "../wire/failure.js"
import type { Reply, Upload } from "../wire/operation.js"
import { openRegular, writeAll } from "./regularFile.js"
import { stageCreation, type Staged, stageReplacement } from "./stagedFile.js"

const { O_APPEND, O_CREAT, O_WRONLY } = constants

const modes: Record<string, (file: string) => Staged> = {
  overwrite: stageReplacement,
  append: (file) => {
    const { fd, size } = openRegular(file, O_WRONLY | O_APPEND | O_CREAT)
    return { fd, commit: () => {}, abort: () => ftruncateSync(fd, size) }
  },
  create_new: stageCreation
}

export interface FileUpload extends Upload {
  /** The file that is written to, where it could be opened. */
  readonly fd: () => number | undefined
  readonly failure: () => Failure | undefined
  readonly abort: () => void
  /** Commits a file to which somebody else has written so many bytes; one that has not got them is left as it was. */
  readonly endHanded: (bytes: number) => Reply
}

/** `end` commits the file, or throws the first error; `abort` undoes what was written. */
export const receiveFile = (args: Args): FileUpload => {
  let staged: Staged | undefined
  let failure: Failure | undefined
  let bytesWritten = 0

  const attempt = (step: () => void) => {
    if (failure !== undefined) return
    try {
      step()
    } catch (error) {
      failure = failureOf(error, String(args["path"]))
      staged?.abort()
    }
  }
  const abort = () => {
    if (staged === undefined) return
    if (failure === undefined) staged.abort()
    closeSync(staged.fd)
  }
  const end = () => {
    attempt(() => {
      const permissions = countArg(args, "permissions")
      if (staged !== undefined && permissions !== undefined) fchmodSync(staged.fd, permissions & 0o7777)
      staged?.commit()
    })
    if (staged !== undefined) closeSync(staged.fd)
    if (failure !== undefined) throw failure
    return { value: { bytesWritten } }
  }

  attempt(() => {
    staged = open(pathArg(args, "path"), stringArg(args, "mode"))
  })
  const before = staged === undefined ? 0 : sizeOf(staged)
  return {
    write: (chunk) =>
      attempt(() => {
        if (staged !== undefined) writeAll(staged.fd, chunk)
        bytesWritten += chunk.length
      }),
    fd: () => staged?.fd,
    failure: () => failure,
    abort,
    end,
    endHanded: (bytes) => {
      const grown = staged === undefined ? 0 : sizeOf(staged) - before
      const isComplete = args["mode"] === "append" ? grown >= bytes : grown === bytes
      bytesWritten = isComplete ? bytes : grown
      if (isComplete) return end()
      abort()
      return { value: { bytesWritten } }
    }
  }
}

const sizeOf = ({ fd }: Staged) => fstatSync(fd).size

const open = (file: string, mode: string) => {
  const stage = Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (stage === undefined) {
    throw new Failure("EINVAL", `Invalid argument: mode must be one of ${Object.keys(modes).join(", ")}`)
  }
  return mapErrors(file, () => stage(file))
}
