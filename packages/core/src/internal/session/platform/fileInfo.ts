/** What `stat` prints, as the platform describes files. */
import type { PlatformError } from "@effect/platform/Error"
import * as Platform from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { malformedText } from "../fileContents.js"
import { typeOfMode } from "../files/managing.js"
import { type Call, failed } from "./errors.js"
import { type Machine, run } from "./machine.js"
import * as scripts from "./scripts.js"

const times = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d* ([+-]\d\d)(\d\d)$/

/** `1970-01-01 00:00:00.000000000 +0000` */
const dateOf = (text: string): Option.Option<Date> => {
  const [, day, time, hours, minutes] = times.exec(text) ?? []
  const date = new Date(`${day}T${time}${hours}:${minutes}`)
  return Number.isNaN(date.getTime()) ? Option.none() : Option.some(date)
}

/** The number of a device, as the C library makes it of two. */
const deviceOf = (major: number, minor: number): number =>
  (major & 0xfff) * 0x100 + (minor & 0xff) + (minor & ~0xff) * 0x1000

const parse = (text: string): Platform.File.Info | undefined => {
  const [numbers = "", atime = "", mtime = "", birthtime = ""] = text.trim().split("|")
  const [rawMode = "", ...words] = numbers.split(" ")
  const [dev, ino, nlink, uid, gid, , , size, blksize, blocks] = words.map(Number)
  const [major, minor] = words.slice(5, 7).map((word) => parseInt(word, 16))
  const mode = parseInt(rawMode, 16)
  if (![mode, dev, size].every(Number.isSafeInteger)) return undefined
  const known = (value: number | undefined) => Option.filter(Option.fromNullable(value), Number.isFinite)
  return {
    type: typeOfMode(mode),
    mtime: dateOf(mtime),
    atime: dateOf(atime),
    birthtime: dateOf(birthtime),
    dev: dev ?? 0,
    rdev: known(deviceOf(major ?? NaN, minor ?? NaN)),
    ino: known(ino),
    mode,
    nlink: known(nlink),
    uid: known(uid),
    gid: known(gid),
    size: Platform.Size(size ?? 0),
    blksize: Option.map(known(blksize), Platform.Size),
    blocks: known(blocks)
  }
}

/** Describes what is at a path, which must have the inode, unless that is empty. */
export const stat = (
  machine: Machine,
  call: Call,
  path: string,
  inode: string
): Effect.Effect<Platform.File.Info, PlatformError> =>
  Effect.flatMap(run(machine, call, scripts.stat, [path, inode], "safe"), (text) => {
    const info = parse(text)
    return info === undefined
      ? Effect.fail(failed("FileSystem", call)(malformedText(`SessionPlatform.${call.method}`, "the output of stat")))
      : Effect.succeed(info)
  })
