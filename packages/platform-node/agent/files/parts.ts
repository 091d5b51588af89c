/** Writing many files, or a large one in parts: each is renamed to its final name once it is complete. */
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { dirname } from "node:path"
import { type Args, countArg, isRecord, pathArg } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import type { Upload } from "../wire/operation.js"
import { withResolved } from "./beneath.js"
import { makeDirectories } from "./directories.js"

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/** The names of incomplete files. */
export const temporaryName = /^\.[0-9a-f]{16}\.part$/

const open = (file: string, offset: number) => {
  if (offset > 0) return withResolved(file, false, (path) => openSync(path, O_WRONLY | O_NOFOLLOW))
  makeDirectories(dirname(file))
  return withResolved(file, false, (path) => openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666))
}

/** Changes whenever the file does. */
export const stampOf = ({ ctimeNs, ino, mtimeNs, size }: BigIntStats) => `${ino}-${size}-${mtimeNs}-${ctimeNs}`

const discard = (file: string) => {
  try {
    withResolved(file, false, (path) => unlinkSync(path))
  } catch { /* renamed already, or gone */ }
}

/** One part: `length` bytes at `offset` of the file `path`; with `commit` the file is then renamed to that path. */
const makePart = (part: Args) => {
  let fd: number | undefined
  let failure: Failure | undefined
  let position = countArg(part, "offset") ?? 0

  const attempt = (step: () => void) => {
    if (failure !== undefined) return
    try {
      step()
    } catch (error) {
      failure = failureOf(error, String(part["commit"] ?? part["path"]))
    }
  }

  attempt(() => {
    fd = open(pathArg(part, "path"), position)
  })

  const commit = () => {
    if (part["commit"] === undefined || fd === undefined) return ""
    fchmodSync(fd, (countArg(part, "mode") ?? 0o644) & 0o777)
    withResolved(
      pathArg(part, "path"),
      false,
      (from) => withResolved(pathArg(part, "commit"), false, (to) => renameSync(from, to))
    )
    return stampOf(fstatSync(fd, { bigint: true }))
  }

  return {
    left: countArg(part, "length") ?? 0,
    write: (chunk: Buffer) =>
      attempt(() => {
        if (fd === undefined) return
        for (let done = 0; done < chunk.length;) {
          const written = writeSync(fd, chunk, done, chunk.length - done, position)
          done += written
          position += written
        }
      }),
    end: (isComplete: boolean) => {
      let stamp = ""
      attempt(() => {
        if (!isComplete) throw new Failure("EINVAL", "Invalid argument: parts announce more bytes than came")
        stamp = commit()
      })
      if (fd !== undefined) closeSync(fd)
      if (failure === undefined) return { stamp }
      if (fd !== undefined) discard(pathArg(part, "path"))
      return { code: failure.code, message: failure.message.slice(0, 500) }
    }
  }
}

/** Receives the bytes of all parts in sequence. A part that fails is reported and does not affect the others. */
export const receiveParts = (args: Args): Upload => {
  const wanted = Array.isArray(args["parts"]) ? args["parts"].filter(isRecord) : []
  const results: Array<unknown> = []
  let current: ReturnType<typeof makePart> | undefined

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
