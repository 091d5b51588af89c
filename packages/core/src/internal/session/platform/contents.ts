/** The bytes of files: read and written in calls that a session takes. */
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { finish } from "../../client/finalizers.js"
import { malformedText } from "../fileContents.js"
import { type Call, failed } from "./errors.js"
import { type Machine, newName, run } from "./machine.js"
import * as scripts from "./scripts.js"

/** Bytes in one call. As base64, read ones stay under the 1 MiB of output that sessions keep, written ones fit into an argument. */
const readBytes = 512 * 1024
const writeBytes = 48 * 1024

/** Time to remove a temporary file. */
const longestRelease = "10 seconds"

/** The largest file that Node reads at once. */
export const mostBytes = 2 ** 31 - 1

/** Removes a temporary file, if it is still there. */
const discarded = ({ files }: Machine, path: string) =>
  finish(Effect.ignore(files.remove(path, { force: true })), longestRelease)

export const fromBase64 = (call: Call, text: string): Effect.Effect<Uint8Array, PlatformError> =>
  Either.match(Encoding.decodeBase64(text.replace(/\s/g, "")), {
    onLeft: () => Effect.fail(failed("FileSystem", call)(malformedText(`SessionPlatform.${call.method}`, "base64"))),
    onRight: Effect.succeed
  })

/** The list that a script has printed, or has left in a file: texts with a NUL after each. */
export const listed = (
  machine: Machine,
  call: Call,
  list: string,
  printed: string
): Effect.Effect<ReadonlyArray<string>, PlatformError> => {
  const bytes = printed.startsWith("=")
    ? Effect.acquireUseRelease(
      Effect.succeed(list),
      (file) => Effect.mapError(machine.files.readFileBytes(file, { maxBytes: mostBytes }), failed("FileSystem", call)),
      (file) => discarded(machine, file)
    )
    : fromBase64(call, printed)
  return Effect.map(
    bytes,
    (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\0").slice(0, -1)
  )
}

/** Reads up to `length` bytes; fewer only at the end of the file, or where one call takes no more. */
export const readPart = (
  machine: Machine,
  call: Call,
  { inode, path }: { readonly path: string; readonly inode: string },
  position: bigint,
  length: number
): Effect.Effect<Uint8Array, PlatformError> =>
  Effect.flatMap(
    run(machine, call, scripts.read, [path, inode, String(position + 1n), Math.min(length, readBytes)], "safe"),
    (text) => fromBase64(call, text)
  )

export interface Range {
  readonly offset?: number | undefined
  readonly bytesToRead?: number | undefined
}

/** By scripts, whatever the size of the file is said to be. */
export const readParts = (
  machine: Machine,
  call: Call,
  path: string,
  { bytesToRead = Infinity, offset = 0 }: Range = {}
): Stream.Stream<Uint8Array, PlatformError> =>
  Stream.unfoldEffect(offset, (position) => {
    const left = offset + bytesToRead - position
    if (left <= 0) return Effect.succeed(Option.none())
    return Effect.map(
      readPart(machine, call, { path, inode: "" }, BigInt(position), Math.min(left, readBytes)),
      (bytes) => bytes.length === 0 ? Option.none() : Option.some([bytes, position + bytes.length] as const)
    )
  })

/** Of a server whose route for files reaches less than its commands, e.g. only what belongs to the session. */
export const isRefused = (error: PlatformError): boolean =>
  error._tag === "SystemError" && error.reason === "PermissionDenied"

/**
 * Reads by scripts what the faster route did not give: a file whose size is not told, such as those of `/proc`, or which it refuses.
 */
export const orByParts = (
  machine: Machine,
  call: Call,
  path: string,
  bytes: Stream.Stream<Uint8Array, PlatformError>,
  range: Range
): Stream.Stream<Uint8Array, PlatformError> =>
  Stream.suspend(() => {
    const isWhole = range.offset === undefined && range.bytesToRead === undefined
    let isEmpty = true
    const seen = Stream.tap(bytes, ({ length }) =>
      Effect.sync(() => {
        isEmpty &&= length === 0
      }))
    const parts = Stream.suspend(() => readParts(machine, call, path, range))
    return Stream.concat(seen, Stream.suspend(() => isWhole && isEmpty ? parts : Stream.empty)).pipe(
      Stream.catchAll((error) => isEmpty && isRefused(error) ? parts : Stream.fail(error))
    )
  })

/**
 * Runs a script that takes content as its last two arguments: as base64, or as a file, to which larger content goes first. The
 * script removes it; so does this, when it does not come to that.
 */
export const send = (
  machine: Machine,
  call: Call,
  text: string,
  args: ReadonlyArray<string | number>,
  bytes: Uint8Array
): Effect.Effect<void, PlatformError> => {
  if (bytes.length <= writeBytes) {
    return Effect.asVoid(run(machine, call, text, [...args, Encoding.encodeBase64(bytes), ""], "unsafe"))
  }
  const { files, temporary } = machine
  const staged = `${temporary}/${newName(".agb-part-")}`
  return Effect.mapError(files.writeFile(staged, bytes), failed("FileSystem", call)).pipe(
    Effect.zipRight(run(machine, call, text, [...args, "", staged], "unsafe")),
    Effect.onExit((exit) => exit._tag === "Success" ? Effect.void : discarded(machine, staged)),
    Effect.asVoid
  )
}
