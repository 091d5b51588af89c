/**
 * Bulk access to the files of a session. Answers of the agent may be forged by code in the sandbox, so they are validated:
 * names stay within the directory that was listed, and lengths match the bytes received.
 */
import { ToolFailure } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type FilePart, SandboxLost } from "../../sandbox/channel/protocol.js"
import type { Sandbox } from "../../sandbox/sandbox.js"
import { type CallFailure, makeAgentCall } from "../../server/sessions/agentCall.js"
import { isInner } from "./contextPaths.js"

export interface TreeFile {
  /** Relative to the listed path; empty where that is a file. */
  readonly path: string
  readonly size: number
  readonly mode: number
  /** Changes whenever the file does. */
  readonly stamp: string
}

export interface Tree {
  readonly files: ReadonlyArray<TreeFile>
  /** Entries that are not regular files, or could not be read for a reason. */
  readonly others: ReadonlyArray<{ readonly path: string; readonly reason: string | undefined }>
}

export type Outcome = { readonly stamp: string } | { readonly code: string; readonly message: string }

export interface SandboxFiles {
  readonly list: (path: string, recursive: boolean) => Effect.Effect<Tree, CallFailure>
  /** Reads files of up to `length` bytes. The stamp is empty where that is not what the file was at one time. */
  readonly readMany: (
    files: ReadonlyArray<{ readonly path: string; readonly length: number }>
  ) => Effect.Effect<ReadonlyArray<Outcome & { readonly bytes: Uint8Array }>, CallFailure>
  readonly readPart: (
    path: string,
    offset: number,
    length: number
  ) => Effect.Effect<{ readonly size: number; readonly stamp: string; readonly bytes: Uint8Array }, CallFailure>
  readonly writeParts: (
    parts: ReadonlyArray<FilePart>,
    body: Uint8Array
  ) => Effect.Effect<ReadonlyArray<Outcome>, CallFailure>
  readonly createDirectory: (path: string) => Effect.Effect<void, CallFailure>
  /** Removes a partial file, if it exists. */
  readonly removePartial: (path: string) => Effect.Effect<void>
}

const maxEntries = 100_000

const Stamp = Schema.String.pipe(Schema.maxLength(128))

const Failed = Schema.Struct({
  code: Schema.String.pipe(Schema.maxLength(32)),
  message: Schema.String.pipe(Schema.maxLength(1024))
})

const ReadMany = Schema.Array(
  Schema.Struct({
    length: Schema.NonNegativeInt,
    stamp: Schema.optional(Stamp),
    code: Schema.optional(Failed.fields.code),
    message: Schema.optional(Failed.fields.message)
  })
)

const ReadPart = Schema.Struct({ size: Schema.NonNegativeInt, stamp: Stamp })

const Written = Schema.Array(Schema.Union(Schema.Struct({ stamp: Stamp }), Failed))

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isText = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most

const treeFile = (path: string, [size, mode, stamp]: ReadonlyArray<unknown>): TreeFile | undefined =>
  isCount(size) && isCount(mode) && isText(stamp, 128) ? { path, size, mode: mode & 0o777, stamp } : undefined

const parsedLine = (line: string): ReadonlyArray<unknown> => {
  const parsed = Either.getOrUndefined(Either.try((): unknown => JSON.parse(line)))
  return Array.isArray(parsed) ? parsed : []
}

/** Each line is a file, or another entry with the reason why it could not be read. */
const treeOf = (body: Uint8Array): Tree | undefined => {
  const files: Array<TreeFile> = []
  const others: Array<Tree["others"][number]> = []
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8")
  const lines = text === "" ? [] : text.split("\n")
  if (lines.length > maxEntries) return undefined
  for (const line of lines) {
    const [path, ...rest] = parsedLine(line)
    if (typeof path !== "string" || !isInner(path)) return undefined
    const [reason] = rest
    const file = treeFile(path, rest)
    if (file !== undefined) files.push(file)
    else if (rest.length === 1 && (reason === null || isText(reason, 1024))) {
      others.push({ path, reason: reason ?? undefined })
    } else return undefined
  }
  return { files, others }
}

export const sandboxFiles = (sandbox: Sandbox): SandboxFiles => {
  const agentCall = makeAgentCall<never>(sandbox)

  const rejectAnswer = (op: string) => {
    const lost = new SandboxLost({ reason: `the agent answered ${op} implausibly` })
    return Effect.zipRight(sandbox.kill(lost.reason), lost)
  }

  const readMany: SandboxFiles["readMany"] = (files) =>
    Effect.flatMap(agentCall({ op: "readFiles", files }, ReadMany), ({ body, value }) => {
      const isPlausible = value.length === files.length &&
        value.every(({ length }, index) => length <= (files[index]?.length ?? 0)) &&
        value.reduce((sum, { length }) => sum + length, 0) === body.length
      if (!isPlausible) return rejectAnswer("readFiles")
      let at = 0
      return Effect.succeed(value.map(({ code, length, message = "", stamp = "" }) => {
        const bytes = body.subarray(at, at += length)
        return code === undefined ? { stamp, bytes } : { code, message, bytes }
      }))
    })

  return {
    list: (path, recursive) =>
      Effect.flatMap(agentCall({ op: "listTree", path, recursive, maxEntries }, Schema.Null), ({ body }) => {
        const tree = treeOf(body)
        return tree === undefined ? rejectAnswer("listTree") : Effect.succeed(tree)
      }),
    readMany,
    readPart: (path, offset, length) =>
      Effect.flatMap(
        agentCall({ op: "readPart", path, offset, length }, ReadPart),
        ({ body, value }) =>
          body.length <= length ? Effect.succeed({ ...value, bytes: body }) : rejectAnswer("readPart")
      ),
    writeParts: (parts, body) =>
      Effect.flatMap(
        agentCall({ op: "writeParts", parts }, Written, body),
        ({ value }) => value.length === parts.length ? Effect.succeed(value) : rejectAnswer("writeParts")
      ),
    createDirectory: (path) => Effect.asVoid(agentCall({ op: "createDirectory", path }, Schema.Null)),
    removePartial: (path) => Effect.ignore(sandbox.call({ op: "deleteFile", path }))
  }
}

/** The message of a failure. */
export const reasonOf = (error: CallFailure): string => error instanceof ToolFailure ? error.text : error.message
