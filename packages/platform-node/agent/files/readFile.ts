/** Reading a file, or a range of it. */
import { closeSync, constants } from "node:fs"
import { countArg, pathArg } from "../wire/args.js"
import { maxBodyBytes } from "../wire/connection.js"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Operation, Reply } from "../wire/operation.js"
import { openRegular, readUpTo } from "./regularFile.js"

/** For files that report no size: some below /proc are endless. */
const maxUnsizedBytes = 16 * 1024 * 1024

export const readFile: Operation = async ({ args }) => {
  const file = pathArg(args, "path")
  const offset = countArg(args, "offset") ?? 0
  const wanted = countArg(args, "length") ?? Infinity
  const { fd, size } = mapErrors(file, () => openRegular(file, constants.O_RDONLY))
  if (size === 0) return mapErrors(file, () => readUnsized(fd, file, offset, wanted))
  const length = Math.max(0, Math.min(wanted, size - offset))
  if (length <= maxBodyBytes) return { value: { size }, file: { fd, offset, length } }
  closeSync(fd)
  throw new Failure("EFBIG", `${length} bytes are more than one reply holds (${maxBodyBytes}), read parts of: ${file}`)
}

/** All of a file that reports no size. */
export const readWhole = (fd: number, file: string): Buffer => {
  const all = readUpTo(fd, maxUnsizedBytes + 1)
  if (all.length <= maxUnsizedBytes) return all
  throw new Failure("EFBIG", `More than ${maxUnsizedBytes} bytes, and no size: ${file}`)
}

/** Files below /proc, among others, have contents but report a size of zero. */
const readUnsized = (fd: number, file: string, offset: number, length: number): Reply => {
  try {
    const all = readWhole(fd, file)
    return { value: { size: all.length }, body: [all.subarray(offset, offset + length)] }
  } finally {
    closeSync(fd)
  }
}
