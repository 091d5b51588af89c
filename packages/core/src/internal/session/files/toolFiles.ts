/**
 * Files by way of the tools that every session has. Bytes are written as base64 in parts of the size that the API allows; each
 * part is a file of its own, so that a repeated call changes nothing. A script of the session decodes and joins them, compares
 * the checksum, and moves the file to its place.
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type * as Scope from "effect/Scope"
import * as AgbTools from "../../../AgbTools.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as fileContents from "../fileContents.js"
import { type FileSystemError, fromTool } from "../fileErrors.js"
import { Checksum } from "./checksum.js"
import type { FileRoute, OpenFile, WriteOptions } from "./fileRoute.js"
import * as scripts from "./scripts.js"
import * as shellScript from "./shellScript.js"

/** Bytes of one part: base64 of it has the length of a chunk. A multiple of three, so that parts need no padding. */
const partBytes = fileContents.chunkSize / 4 * 3

/** Parts that are sent before they are joined; also bounds what is held in memory. */
const batchParts = 32

const batchBytes = partBytes * batchParts

/** Parts that are sent at the same time. */
const concurrency = 4

/** Names that begin with this are left out of the changes that sessions report. */
const temporaryName = (): string => `.agb-part-${crypto.randomUUID()}`

const octal = (permissions: number | undefined): string => permissions === undefined ? "" : permissions.toString(8)

class StagedFile implements OpenFile {
  readonly #checksum = new Checksum()
  readonly #batch = new Uint8Array(batchBytes)
  #filled = 0
  #parts = 0
  #joined = 0
  #isDone = false
  readonly #toolCall: ToolCall
  readonly #operation: string
  readonly #path: string
  readonly #options: WriteOptions
  readonly #target: string
  readonly #folder: string

  constructor(
    toolCall: ToolCall,
    operation: string,
    path: string,
    options: WriteOptions,
    target: string,
    name: string
  ) {
    this.#toolCall = toolCall
    this.#operation = operation
    this.#path = path
    this.#options = options
    this.#target = target
    this.#folder = `${target.slice(0, target.lastIndexOf("/"))}/${name}`
  }

  readonly write = (bytes: Uint8Array): Effect.Effect<void, FileSystemError> =>
    Effect.suspend(() => {
      this.#checksum.update(bytes)
      let at = 0
      return Effect.whileLoop({
        while: () => at < bytes.length,
        body: () => {
          const piece = bytes.subarray(at, at + batchBytes - this.#filled)
          this.#batch.set(piece, this.#filled)
          this.#filled += piece.length
          at += piece.length
          return this.#filled === batchBytes ? this.#flush : Effect.void
        },
        step: () => {}
      })
    })

  readonly commit: Effect.Effect<void, FileSystemError> = Effect.suspend(() => {
    const { mode, permissions } = this.#options
    const args = [this.#path, mode, octal(permissions), String(this.#checksum), this.#target, this.#folder]
    return Effect.zipRight(
      this.#filled === 0 ? Effect.void : this.#flush,
      Effect.uninterruptible(Effect.asVoid(this.#run(scripts.finish, args, "unsafe")))
    )
  }).pipe(Effect.tap(() => {
    this.#isDone = true
  }))

  readonly abort: Effect.Effect<void> = Effect.suspend(() =>
    this.#isDone ? Effect.void : Effect.ignore(this.#run(scripts.removeIfExists, [this.#folder], "idempotent"))
  )

  /** Sends what is filled as parts and joins them. */
  get #flush(): Effect.Effect<void, FileSystemError> {
    return Effect.suspend(() => {
      const [first, size] = [this.#parts, this.#filled]
      const count = Math.ceil(size / partBytes)
      const before = this.#joined
      const sent = Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        (index) =>
          this.#send(first + index, this.#batch.subarray(index * partBytes, Math.min((index + 1) * partBytes, size))),
        {
          concurrency,
          discard: true
        }
      )
      const numbers = [first, first + count - 1, before, before + size].map(String)
      return Effect.zipRight(sent, this.#run(scripts.join, [this.#folder, ...numbers], "idempotent")).pipe(
        Effect.map(() => {
          this.#parts += count
          this.#joined += size
          this.#filled = 0
        })
      )
    })
  }

  #send(number: number, bytes: Uint8Array): Effect.Effect<unknown, FileSystemError> {
    const args = {
      path: `${this.#folder}/${number}`,
      content: Encoding.encodeBase64(bytes),
      mode: "overwrite"
    } as const
    return fromTool(this.#path)(
      this.#toolCall.call(AgbTools.tools.write_file, args, { operation: this.#operation })
    )
  }

  #run(text: string, args: ReadonlyArray<string>, retrySafety: "unsafe" | "idempotent") {
    const script = { operation: this.#operation, paths: [this.#path], text, args, retrySafety } as const
    return shellScript.run(this.#toolCall, script)
  }
}

/** Files that are written in one call: their base64 fits a chunk. */
const writeSmall = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  bytes: Uint8Array,
  { mode, permissions }: WriteOptions
) => {
  const checksum = new Checksum()
  checksum.update(bytes)
  const args = [path, mode, octal(permissions), String(checksum), temporaryName(), Encoding.encodeBase64(bytes)]
  const retrySafety = mode === "overwrite" ? "idempotent" : "unsafe"
  return shellScript.run(toolCall, { operation, paths: [path], text: scripts.writeSmall, args, retrySafety })
}

const open = (
  toolCall: ToolCall,
  operation: string,
  path: string,
  options: WriteOptions
): Effect.Effect<StagedFile, FileSystemError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const name = temporaryName()
      const args = [path, options.mode, name]
      const begin = { operation, paths: [path], text: scripts.begin, args, retrySafety: "idempotent" } as const
      return Effect.map(
        shellScript.run(toolCall, begin),
        (target) => new StagedFile(toolCall, operation, path, options, target, name)
      )
    }),
    (file) => file.abort
  )

export const make = (toolCall: ToolCall): FileRoute => ({
  isDirect: false,
  write: (operation, path, bytes, options) =>
    bytes.length <= partBytes
      ? Effect.asVoid(writeSmall(toolCall, operation, path, bytes, options))
      : Effect.scoped(Effect.flatMap(
        open(toolCall, operation, path, options),
        (file) => Effect.zipRight(file.write(bytes), file.commit)
      )),
  open: (operation, path, options) => open(toolCall, operation, path, options),
  read: (operation, path, offset, length) => fileContents.read(toolCall, operation, path, offset, length)
})
