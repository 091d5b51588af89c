/** Reads files as bytes. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { FileError, InvalidRequestError, LimitExceededError } from "../../../AgbError.js"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as optionObjects from "../../client/checks/options.js"
import * as metrics from "../../client/metrics.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import type { FileRoute, OpenRange } from "./fileRoute.js"
import { validate } from "./managing.js"

export interface ReadOptions {
  readonly maxBytes?: number | undefined
}

const defaultMaxBytes = 64 * 1024 * 1024

const baseName = (path: string): string => path.replace(/\/+$/, "").split("/").at(-1) ?? ""

/** Rejects what is no number of bytes. */
export const checkBytes = <K extends string>(
  operation: string,
  values: { readonly [_ in K]: number | undefined }
): Effect.Effect<{ readonly [_ in K]: number | undefined }, InvalidRequestError> => {
  const wrong = Object.entries<number | undefined>(values).find(([, value]) =>
    value !== undefined && !(Number.isSafeInteger(value) && value >= 0)
  )
  return wrong === undefined ? Effect.succeed(values) : Effect.fail(
    new InvalidRequestError({
      operation,
      field: wrong[0],
      given: String(wrong[1]).slice(0, 64),
      expected: "a non-negative integer (bytes)"
    })
  )
}

const checkMaxBytes = (
  operation: string,
  options: ReadOptions | undefined
): Effect.Effect<number, InvalidRequestError> =>
  Effect.flatMap(
    optionObjects.check(operation, options, ["maxBytes"]),
    ({ maxBytes = defaultMaxBytes }) => Effect.as(checkBytes(operation, { maxBytes }), maxBytes)
  )

const counted = ({ fill, length }: OpenRange): OpenRange["fill"] =>
  fill && ((target) => Effect.zipRight(fill(target), metrics.readBytes(length)))

/** Fills one buffer: pieces that are kept until the end would take the same memory again. */
const collect = ({ bytes, fill, length, release }: OpenRange): Effect.Effect<Uint8Array, FileSystemError> =>
  Effect.suspend(() => {
    const all = new Uint8Array(length)
    if (fill !== undefined) return Effect.as(fill(all), all)
    let end = 0
    return Effect.as(
      Stream.runForEachChunk(bytes, (pieces) =>
        Effect.sync(() => {
          for (const piece of pieces) {
            all.set(piece, end)
            end += piece.length
            release?.(piece)
          }
        })),
      all
    )
  })

/** Read operations, which check type and size of the file first. */
export const make = (toolCall: ToolCall, route: FileRoute) => {
  const getFileInfo = (operation: string, path: string) =>
    toolCall.call(AgbTools.tools.get_file_info, { path }, { operation }).pipe(
      fromTool(path),
      Effect.map((info) => ({ ...info, path, name: baseName(path) }))
    )

  const inParts = (operation: string, path: string, offset: number, bytesToRead: number) =>
    Effect.flatMap(
      getFileInfo(operation, path),
      ({ isDirectory, size }): Effect.Effect<OpenRange, FileSystemError> => {
        if (isDirectory) {
          return Effect.fail(
            new FileError({ operation, path, reason: "IsDirectory", detail: "", mayHaveHappened: false })
          )
        }
        const length = Math.max(0, Math.min(bytesToRead, size - offset))
        return Effect.succeed({
          size,
          length,
          bytes: route.read(operation, path, offset, length),
          isStable: Effect.succeed(false)
        })
      }
    )

  const openRange = (operation: string, path: string, offset: number, bytesToRead: number) => {
    if (route.openRange === undefined) return inParts(operation, path, offset, bytesToRead)
    const opened = route.openRange(operation, path, offset, bytesToRead)
    return validate(operation, AgbTools.tools.get_file_info, { path }).pipe(
      Effect.zipRight(opened),
      Effect.flatMap(Option.match({
        onNone: () => inParts(operation, path, offset, bytesToRead),
        onSome: (range) => Effect.succeed(range)
      }))
    )
  }

  const open = (
    operation: string,
    path: string,
    maxBytes: number,
    offset = 0,
    bytesToRead = Infinity
  ): Effect.Effect<OpenRange, FileSystemError, Scope.Scope> =>
    Effect.flatMap(openRange(operation, path, offset, bytesToRead), (range) =>
      range.size <= maxBytes
        ? Effect.succeed({ ...range, bytes: metrics.read(range.bytes), pull: undefined, fill: counted(range) })
        : Effect.fail(
          new LimitExceededError({ operation, what: `the size of ${path}`, limit: maxBytes, mayHaveHappened: false })
        ))

  const readBytes = (operation: string, path: string, options: ReadOptions | undefined, most = Infinity) =>
    Effect.flatMap(
      checkMaxBytes(operation, options),
      (maxBytes) => Effect.scoped(Effect.flatMap(open(operation, path, Math.min(maxBytes, most)), collect))
    )

  return { getFileInfo, open, readBytes }
}
