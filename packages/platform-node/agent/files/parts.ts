/** Writing many files, or a large one piece by piece: each gets its name in one step when it is whole. */
import * as Fs from "node:fs"
import { dirname } from "node:path"
import type { Reply } from "../operation.js"
import { type Args, count, isRecord, path } from "../wire/args.js"
import { Failure, failureOf } from "../wire/failure.js"
import { at } from "./beneath.js"
import { makeFolders } from "./directories.js"

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = Fs.constants

/** The names of files that are not whole yet. */
export const temporaryName = /^\.[0-9a-f]{16}\.part$/

const open = (file: string, offset: number) => {
  if (offset > 0) return at(file, false, (path) => Fs.openSync(path, O_WRONLY | O_NOFOLLOW))
  makeFolders(dirname(file))
  return at(file, false, (path) => Fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666))
}

/** What changes whenever a file does. */
export const stampOf = ({ ctimeNs, ino, mtimeNs, size }: Fs.BigIntStats) => `${ino}-${size}-${mtimeNs}-${ctimeNs}`

const forget = (file: string) => {
  try {
    at(file, false, (path) => Fs.unlinkSync(path))
  } catch { /* it has its name by then, or is gone */ }
}

/** One part: `length` bytes at `offset` of the file `path`; with `commit` it then becomes that file. */
const makePart = (part: Args) => {
  let fd: number | undefined
  let failure: Failure | undefined
  let position = count(part, "offset") ?? 0

  const attempt = (step: () => void) => {
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
    Fs.fchmodSync(fd, (count(part, "mode") ?? 0o644) & 0o777)
    at(path(part, "path"), false, (from) => at(path(part, "commit"), false, (to) => Fs.renameSync(from, to)))
    return stampOf(Fs.fstatSync(fd, { bigint: true }))
  }

  return {
    left: count(part, "length") ?? 0,
    write: (chunk: Buffer) =>
      attempt(() => {
        if (fd === undefined) return
        for (let done = 0; done < chunk.length;) {
          const written = Fs.writeSync(fd, chunk, done, chunk.length - done, position)
          done += written
          position += written
        }
      }),
    end: (isWhole: boolean) => {
      let stamp = ""
      attempt(() => {
        if (!isWhole) throw new Failure("EINVAL", "Invalid argument: parts announce more bytes than came")
        stamp = commit()
      })
      if (fd !== undefined) Fs.closeSync(fd)
      if (failure === undefined) return { stamp }
      if (fd !== undefined) forget(path(part, "path"))
      return { code: failure.code, message: failure.message.slice(0, 500) }
    }
  }
}

/** Takes the bytes of all parts, one after the other. A part that fails says so and does not stop the others. */
export const receiveParts = (args: Args): { readonly write: (chunk: Buffer) => void; readonly end: () => Reply } => {
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
