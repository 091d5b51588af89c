/** Reading files, and replacing them in one step. */
import * as Fs from "node:fs"
import { dirname, join } from "node:path"
import type { Operation, Reply } from "../operation.js"
import { count, path } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"
import { about, Failure } from "../wire/failure.js"
import { at, locate } from "./beneath.js"
import { ownName } from "./ownFiles.js"

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = Fs.constants

/** The most that is read of a file that does not say how long it is: some below /proc are longer than any memory. */
const longestUnsized = 16 * 1024 * 1024

export const readFile: Operation = async ({ args }) => {
  const file = path(args, "path")
  const offset = count(args, "offset") ?? 0
  const wanted = count(args, "length") ?? Infinity
  const { fd, size } = about(file, () => openRegular(file, O_RDONLY))
  if (size === 0) return about(file, () => readUnsized(fd, file, offset, wanted))
  const length = Math.max(0, Math.min(wanted, size - offset))
  if (length <= maxBodyBytes) return { value: { size }, file: { fd, offset, length } }
  Fs.closeSync(fd)
  throw new Failure("EFBIG", `${length} bytes are more than one reply holds (${maxBodyBytes}), read parts of: ${file}`)
}

/** Opens a regular file and nothing else: opening a FIFO would wait for its other end. */
export const openRegular = (file: string, flags: number) => {
  const fd = at(file, true, (path) => Fs.openSync(path, flags | O_NONBLOCK | O_NOFOLLOW, 0o666))
  const stat = Fs.fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size }
  Fs.closeSync(fd)
  throw notRegular(file, stat)
}

/** A file in the making, which nobody sees before it is whole. */
export type Staged = { readonly fd: number; readonly commit: () => void; readonly abort: () => void }

/**
 * A new file that takes the place of another one, with its permissions, in one step.
 *
 * @param file a symbolic link is written through
 */
export const replacing = (file: string): Staged =>
  staged(file, true, Fs.renameSync, (target) => {
    const existing = Fs.lstatSync(target, { throwIfNoEntry: false })
    if (existing === undefined) return undefined
    if (!existing.isFile()) throw notRegular(file, existing)
    Fs.accessSync(target, Fs.constants.W_OK)
    return existing.mode & 0o7777
  })

/** A new file that gets its name in one step, unless something has that name by then. */
export const creating = (file: string): Staged =>
  staged(file, false, linkOnce, (target) => {
    if (Fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) return undefined
    throw new Failure("EEXIST", `Already exists: ${file}`)
  })

/**
 * @param check gives the permissions of the file, if not those of any new one
 */
const staged = (
  file: string,
  follow: boolean,
  name: (temporary: string, target: string) => void,
  check: (target: string) => number | undefined
): Staged => {
  const place = locate(file, follow)
  const temporary = join(dirname(place.path), ownName("part"))
  const abort = () => {
    Fs.rmSync(temporary, { force: true })
    place.close()
  }
  try {
    const mode = check(place.path)
    const fd = Fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o666)
    if (mode !== undefined) Fs.fchmodSync(fd, mode)
    const commit = () => {
      try {
        name(temporary, place.path)
      } catch (error) {
        Fs.rmSync(temporary, { force: true })
        throw error
      } finally {
        place.close()
      }
    }
    return { fd, commit, abort }
  } catch (error) {
    place.close()
    throw error
  }
}

const linkOnce = (temporary: string, target: string) => {
  Fs.linkSync(temporary, target)
  Fs.unlinkSync(temporary)
}

/** Writes all of `bytes` at the current position. */
export const writeAll = (fd: number, bytes: Uint8Array) => {
  for (let at = 0; at < bytes.length;) at += Fs.writeSync(fd, bytes, at)
}

const notRegular = (file: string, stat: Fs.Stats) =>
  stat.isDirectory() ?
    new Failure("EISDIR", `Is a directory: ${file}`) :
    new Failure("EINVAL", `Not a regular file: ${file}`)

/** Files such as those below /proc have contents but no size. */
const readUnsized = (fd: number, file: string, offset: number, length: number): Reply => {
  try {
    const all = readUpTo(fd, longestUnsized + 1)
    if (all.length > longestUnsized) {
      throw new Failure("EFBIG", `More than ${longestUnsized} bytes, and no size: ${file}`)
    }
    return { value: { size: all.length }, body: [all.subarray(offset, offset + length)] }
  } finally {
    Fs.closeSync(fd)
  }
}

/** Whatever size the file claims to have. */
export const readUpTo = (fd: number, most: number) => {
  const parts: Array<Buffer> = []
  for (let size = 0; size < most;) {
    const part = Buffer.alloc(64 * 1024)
    const read = Fs.readSync(fd, part)
    if (read === 0) break
    parts.push(part.subarray(0, read))
    size += read
  }
  return Buffer.concat(parts).subarray(0, most)
}
