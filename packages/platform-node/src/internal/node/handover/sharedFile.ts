/** Files that another process of this machine has open, opened again by way of /proc. */
import type { Access, SharedFile, SystemFailure } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import { type BigIntStats, close, closeSync, constants, fstatSync, openSync, read, write } from "node:fs"
import type { DescriptorText } from "./descriptor.js"

const { O_APPEND, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

const flagsOf: Readonly<Record<Access, number>> = {
  read: O_RDONLY,
  write: O_WRONLY,
  append: O_WRONLY | O_APPEND
}

/** A call of the system goes on in a thread when nobody waits for it any more: until it has ended, the file must stay open. */
const called = <A>(call: (done: (error: NodeJS.ErrnoException | null, value: A) => void) => void) =>
  Effect.uninterruptible(
    Effect.async<A, SystemFailure>((resume) =>
      call((error, value) =>
        resume(
          error === null ? Effect.succeed(value) : Effect.fail({ _tag: "SystemFailure", code: error.code ?? "EIO" })
        )
      )
    )
  )

const writeAll = (fd: number, bytes: Uint8Array, position: number): Effect.Effect<void, SystemFailure> =>
  Effect.flatMap(
    called<number>((done) => write(fd, bytes, 0, bytes.length, position, done)),
    (written) => written === bytes.length ? Effect.void : writeAll(fd, bytes.subarray(written), position + written)
  )

const isSame = (before: BigIntStats, fd: number): boolean => {
  try {
    const { ctimeNs, mtimeNs, size } = fstatSync(fd, { bigint: true })
    return size === before.size && mtimeNs === before.mtimeNs && ctimeNs === before.ctimeNs
  } catch {
    return false
  }
}

const tooLarge: SystemFailure = { _tag: "SystemFailure", code: "EFBIG" }

const fileOf = (fd: number, stat: BigIntStats, { limit }: DescriptorText): SharedFile => {
  const before = Number(stat.size)
  return {
    size: before,
    mode: Number(stat.mode),
    mtime: Number(stat.mtimeMs),
    read: (target, position) => called((done) => read(fd, target, 0, target.length, position, done)),
    write: (bytes, position) =>
      before + position + bytes.length > limit ? Effect.fail(tooLarge) : writeAll(fd, bytes, position),
    isUnchanged: Effect.sync(() => isSame(stat, fd))
  }
}

/**
 * Opens a file that the server has vouched for. Undefined unless it is that very file: the number of a process or of a descriptor may
 * be another's by now, and in another namespace it always was. Nothing is created, truncated or waited for.
 */
export const openShared = (
  descriptor: DescriptorText,
  access: Access
): { readonly file: SharedFile; readonly close: () => void } | undefined => {
  let fd: number | undefined
  try {
    fd = openSync(`/proc/${descriptor.pid}/fd/${descriptor.fd}`, flagsOf[access] | O_NONBLOCK | O_NOCTTY)
    const stat = fstatSync(fd, { bigint: true })
    const isVouchedFor = stat.isFile() && stat.dev === descriptor.device && stat.ino === descriptor.inode
    if (isVouchedFor) {
      const own = fd
      return { file: fileOf(own, stat, descriptor), close: () => close(own, () => {}) }
    }
  } catch {
    // Not for this process.
  }
  if (fd !== undefined) closeSync(fd)
  return undefined
}
