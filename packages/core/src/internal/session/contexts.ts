/** Implementation of `Contexts`: the contexts of an account and their files. */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { ContextDescription, ContextFile } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import {
  type ClientError,
  ContextError,
  type FileNotFoundError,
  InvalidRequestError,
  LimitExceededError,
  MalformedResponseError,
  type RequestRejectedError
} from "../../AgbError.js"
import { internalOptions } from "../client/callOptions.js"
import { describe } from "../client/checks/issues.js"
import * as optionObjects from "../client/checks/options.js"
import * as timeouts from "../client/checks/timeouts.js"
import * as pages from "../client/pages.js"
import * as spans from "../client/spans.js"
import { isWellFormed } from "../wire/codecs.js"
import { ContextFiles, type Target, type WrittenFile } from "./contextFiles.js"
import { type ContextRef, idOf } from "./contextRef.js"

/** A context: named storage that outlives sessions. What the server does not report is none. */
export interface ContextInfo {
  readonly id: string
  readonly name: Option.Option<string>
  /** `available`, `clearing` or `pre-available`; servers may report others. */
  readonly state: Option.Option<string>
  readonly createdAt: Option.Option<Date>
  readonly lastUsedAt: Option.Option<Date>
}

/** A file or folder of a context. What the server does not report is none. */
export interface ContextEntry {
  readonly path: string
  readonly name: string
  readonly isFolder: boolean
  /** In bytes. */
  readonly size: Option.Option<number>
  readonly createdAt: Option.Option<Date>
  readonly modifiedAt: Option.Option<Date>
}

/** A context by its id, or by its name. */
export type ContextQuery = ContextRef | { readonly name: string }

/** Options of `clear`. */
export interface ClearContextOptions {
  /** How long to wait for the end. Default: 1 minute. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Options of `files`. */
export interface ContextFilesOptions {
  /** The folder whose direct entries are listed. Default: the root of the context. */
  readonly folder?: string | undefined
}

/** Options of `read`. */
export interface ReadContextFileOptions {
  /** The largest file to read, in bytes. Default: `maxResponseBytes` of the configuration. */
  readonly maxBytes?: number | undefined
  /** Of the whole transfer. Default: 10 minutes. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Options of `write`. */
export interface WriteContextFileOptions {
  /** Size of a stream in bytes, which some storage wants to know beforehand. Default: unknown. */
  readonly size?: number | undefined
  /** Media type under which the storage keeps the file, if it does. Default: none is sent. */
  readonly contentType?: string | undefined
  /** Of the whole transfer. Default: 10 minutes. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** The contexts of an account. */
export interface Contexts {
  /** All contexts, requested page by page. */
  readonly list: Stream.Stream<ContextInfo, ClientError>
  /** Describes a context. One that does not exist is a `RequestRejectedError`. */
  readonly get: (context: ContextQuery) => Effect.Effect<ContextInfo, ClientError>
  /** Returns the context of this name, and creates it if there is none. */
  readonly getOrCreate: (name: string) => Effect.Effect<ContextInfo, ClientError>
  /** Gives a context another name. */
  readonly rename: (context: ContextRef, name: string) => Effect.Effect<void, ClientError>
  /** Removes a context and its files. One that does not exist counts as removed. */
  readonly remove: (context: ContextRef) => Effect.Effect<void, ClientError>
  /** Removes the files of a context and waits until the server confirms it, else fails with `ContextError`. */
  readonly clear: (context: ContextRef, options?: ClearContextOptions) => Effect.Effect<void, ClientError>
  /** The files and folders in a folder of a context, requested page by page. */
  readonly files: (context: ContextRef, options?: ContextFilesOptions) => Stream.Stream<ContextEntry, ClientError>
  /** Reads a file of at most `maxBytes`; a larger one is a `LimitExceededError`. */
  readonly read: (
    context: ContextRef,
    path: string,
    options?: ReadContextFileOptions
  ) => Effect.Effect<Uint8Array, ClientError | FileNotFoundError>
  /**
   * Reads a file of any size in flat memory. It fails if the server is silent for longer than `timeout` of the configuration, or
   * if the stream ends before its announced length.
   */
  readonly readStream: (
    context: ContextRef,
    path: string
  ) => Stream.Stream<Uint8Array, ClientError | FileNotFoundError>
  /**
   * Writes a whole file: a string as UTF-8, bytes, or a stream of bytes of any size, in flat memory. A write that fails leaves the
   * file as it was, unless its error says that it may have happened. Only strings and bytes are sent again.
   */
  readonly write: <E = never>(
    context: ContextRef,
    path: string,
    content: string | Uint8Array | Stream.Stream<Uint8Array, E>,
    options?: WriteContextFileOptions
  ) => Effect.Effect<WrittenFile, ClientError | FileNotFoundError | E>
  /** Removes a file. One that does not exist counts as removed. */
  readonly removeFile: (context: ContextRef, path: string) => Effect.Effect<void, ClientError>
}

const defaultTimeout = Duration.minutes(10)

const invalid = (operation: string, field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: describe(given, field), expected })

const checkName = (operation: string, name: unknown): Either.Either<string, InvalidRequestError> =>
  typeof name === "string" && name.trim() !== "" && isWellFormed(name)
    ? Either.right(name)
    : Either.left(invalid(operation, "name", name, "a non-blank name that UTF-8 can represent"))

const checkPath = (operation: string, path: unknown): Either.Either<string, InvalidRequestError> =>
  typeof path === "string" && path.trim() !== "" && !path.includes("\0") && isWellFormed(path) && !path.endsWith("/") &&
    !path.split("/").includes("..")
    ? Either.right(path)
    : Either.left(
      invalid(operation, "path", path, "the path of a file, without NUL or .. segments, that UTF-8 can represent")
    )

const checkSize = (operation: string, field: string, size: unknown): Either.Either<void, InvalidRequestError> =>
  size === undefined || Number.isSafeInteger(size) && Number(size) >= 0
    ? Either.void
    : Either.left(invalid(operation, field, size, "a number of bytes"))

const checkContentType = (operation: string, type: unknown): Either.Either<void, InvalidRequestError> =>
  type === undefined || typeof type === "string" && /^[!-~][ -~]{0,254}$/.test(type)
    ? Either.void
    : Either.left(invalid(operation, "contentType", type, "a media type such as text/plain"))

/** A time of the server; the wire says "like ISO 8601". */
export const dateOf = (text: string | undefined): Option.Option<Date> => {
  const date = new Date(text ?? NaN)
  return Number.isNaN(date.getTime()) ? Option.none() : Option.some(date)
}

const textOf = (text: string | undefined) => Option.filter(Option.fromNullable(text), (known) => known !== "")

const infoOf = ({ createTime, id, lastUsedTime, name, state }: ContextDescription): ContextInfo => ({
  id,
  name: textOf(name),
  state: textOf(state),
  createdAt: dateOf(createTime),
  lastUsedAt: dateOf(lastUsedTime)
})

const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const entryOf = (folder: string, file: ContextFile): Option.Option<ContextEntry> => {
  const parent = folder.endsWith("/") ? folder : `${folder}/`
  const path = file.filePath || (file.fileName ? parent + file.fileName : undefined)
  return path === undefined ? Option.none() : Option.some({
    path,
    name: file.fileName || nameIn(path),
    isFolder: /^(folder|dir)/i.test(file.fileType ?? ""),
    size: Option.fromNullable(file.size),
    createdAt: dateOf(file.gmtCreate),
    modifiedAt: dateOf(file.gmtModified)
  })
}

const pageSize = 50

const maxPages = 20_000

const isMissing = ({ code, status }: RequestRejectedError): boolean => status === 404 || /not ?found/i.test(code)

/** From 200 ms up to 2 s. */
const pollMillis = (nth: number): number => Math.min(2000, Math.round(200 * 1.5 ** nth))

const list = (client: AgbClient.Service): Contexts["list"] =>
  Stream.suspend(() => {
    const operation = "Contexts.list"
    const tokens = new Set<string>()
    return Stream.paginateChunkEffect("", (token) =>
      Effect.flatMap(
        client.listContexts(
          { maxResults: pageSize, ...(token === "" ? {} : { nextToken: token }) },
          internalOptions({ operation })
        ),
        ({ contexts, nextToken }) =>
          Either.map(
            pages.next(operation, tokens, nextToken),
            (next) => [Chunk.unsafeFromArray(contexts.map(infoOf)), next] as const
          )
      ))
  })

/** One page after the other: the wire numbers them, so that a page that is repeated would never end. */
const files = (client: AgbClient.Service): Contexts["files"] => (context, given) => {
  const operation = "Contexts.files"
  const page = (contextId: string, folder: string) => {
    let previous = ""
    let seen = 0
    return (pageNumber: number) =>
      Effect.gen(function*() {
        const { files, total } = yield* client.describeContextFiles(
          { contextId, parentFolderPath: folder, pageNumber, pageSize },
          internalOptions({ operation })
        )
        const mayHaveHappened = false
        const text = JSON.stringify(files)
        if (files.length > 0 && text === previous) {
          const expected = "the entries of another page"
          return yield* new MalformedResponseError({
            operation,
            path: "data",
            expected,
            mayHaveHappened,
            retryable: true
          })
        }
        if (pageNumber > maxPages) {
          return yield* new LimitExceededError({
            operation,
            what: "the number of pages",
            limit: maxPages,
            mayHaveHappened
          })
        }
        previous = text
        seen += files.length
        const isLast = files.length === 0 || (total === undefined ? files.length < pageSize : seen >= total)
        const entries = Chunk.fromIterable(files.flatMap((file) => Option.toArray(entryOf(folder, file))))
        return [entries, isLast ? Option.none() : Option.some(pageNumber + 1)] as const
      })
  }
  return Stream.unwrap(Effect.gen(function*() {
    const contextId = yield* idOf(operation, context)
    const { folder = "" } = yield* optionObjects.check(operation, given, ["folder"])
    if (typeof folder !== "string") return yield* invalid(operation, "folder", folder, "the path of a folder")
    return Stream.suspend(() => Stream.paginateChunkEffect(1, page(contextId, folder)))
  }))
}

/** Waits until the context is available again and has been seen to be cleared, or is empty. */
const cleared = (client: AgbClient.Service, contextId: string, deadline: number) => {
  const operation = "Contexts.clear"
  const poll = (nth: number, wasClearing: boolean): Effect.Effect<void, ClientError> =>
    Effect.gen(function*() {
      const { state = "" } = yield* client.getContext({ id: contextId }, internalOptions({ operation }))
      const isAvailable = state.toLowerCase() === "available"
      if (isAvailable && (wasClearing || (yield* isEmpty))) return
      const delay = pollMillis(nth)
      if ((yield* Clock.currentTimeMillis) + delay > deadline) {
        const detail = `its last state was ${state === "" ? "not reported" : state}`
        return yield* new ContextError({ operation, contextId, path: "", reason: "Unconfirmed", detail })
      }
      yield* Effect.sleep(delay)
      return yield* poll(nth + 1, wasClearing || !isAvailable && state !== "")
    })
  const isEmpty = Effect.map(
    client.describeContextFiles(
      { contextId, parentFolderPath: "", pageNumber: 1, pageSize: 1 },
      internalOptions({ operation })
    ),
    ({ files }) => files.length === 0
  )
  return poll(0, false)
}

const management = (
  client: AgbClient.Service
): Pick<Contexts, "get" | "getOrCreate" | "rename" | "remove" | "clear"> => ({
  get: spans.method("Contexts.get")((context) => {
    const operation = "Contexts.get"
    const query: Either.Either<{ readonly id?: string; readonly name?: string }, InvalidRequestError> = Predicate
        .isRecord(context) && !("id" in context) && "name" in context
      ? Either.map(checkName(operation, context["name"]), (name) => ({ name }))
      : Either.map(idOf(operation, context), (id) => ({ id }))
    return Effect.flatMap(
      query,
      (query) => Effect.map(client.getContext({ ...query, allowCreate: false }, internalOptions({ operation })), infoOf)
    )
  }),
  getOrCreate: spans.method("Contexts.getOrCreate")((name) => {
    const operation = "Contexts.getOrCreate"
    return Effect.flatMap(
      checkName(operation, name),
      (name) => Effect.map(client.getContext({ name, allowCreate: true }, internalOptions({ operation })), infoOf)
    )
  }),
  rename: spans.method("Contexts.rename")((context, given) =>
    Effect.gen(function*() {
      const operation = "Contexts.rename"
      const id = yield* idOf(operation, context)
      const name = yield* checkName(operation, given)
      yield* client.modifyContext({ id, name }, internalOptions({ operation }))
    })
  ),
  remove: spans.method("Contexts.remove")((context) => {
    const operation = "Contexts.remove"
    return Effect.flatMap(idOf(operation, context), (id) =>
      Effect.catchIf(
        client.deleteContext({ id }, internalOptions({ operation })),
        (error) => error._tag === "RequestRejectedError" && isMissing(error),
        () => Effect.void
      ))
  }),
  clear: spans.method("Contexts.clear")((context, given) =>
    Effect.gen(function*() {
      const operation = "Contexts.clear"
      const id = yield* idOf(operation, context)
      const options = yield* optionObjects.check(operation, given, ["timeout"])
      const timeout = yield* timeouts.parse(operation, options.timeout ?? "1 minute")
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(timeout)
      yield* client.clearContext({ id }, internalOptions({ operation }))
      yield* cleared(client, id, deadline)
    })
  )
})

const isBytes = (content: unknown): content is Uint8Array => content instanceof Uint8Array

const isStream = <E>(content: unknown): content is Stream.Stream<Uint8Array, E> =>
  Predicate.hasProperty(content, Stream.StreamTypeId)

const contents = (
  client: AgbClient.Service
): Pick<Contexts, "read" | "readStream" | "write" | "removeFile"> => {
  const files = new ContextFiles(client)

  const targetOf = (operation: string, context: ContextRef, path: string, timeout?: Duration.DurationInput) =>
    Either.gen(function*() {
      return {
        operation,
        contextId: yield* idOf(operation, context),
        path: yield* checkPath(operation, path),
        retrySafety: operation === "Contexts.write" ? "idempotent" : "safe",
        timeout: timeout === undefined ? defaultTimeout : yield* timeouts.parse(operation, timeout)
      } satisfies Target
    })

  return {
    read: spans.method("Contexts.read")((context, path, given) =>
      Effect.gen(function*() {
        const operation = "Contexts.read"
        const { maxBytes, timeout } = yield* optionObjects.check(operation, given, ["maxBytes", "timeout"])
        yield* checkSize(operation, "maxBytes", maxBytes)
        return yield* files.read(
          yield* targetOf(operation, context, path, timeout),
          maxBytes ?? client.config.maxResponseBytes
        )
      })
    ),
    readStream: (context, path) =>
      Stream.unwrap(
        Either.map(targetOf("Contexts.readStream", context, path), (target) => files.readStream(target))
      ),
    write: (context, path, content, given) =>
      Effect.gen(function*() {
        const operation = "Contexts.write"
        const { contentType, size, timeout } = yield* optionObjects.check(
          operation,
          given,
          ["contentType", "size", "timeout"]
        )
        yield* checkSize(operation, "size", size)
        yield* checkContentType(operation, contentType)
        const target = yield* targetOf(operation, context, path, timeout)
        if (isStream(content)) return yield* files.writeStream(target, content, size, contentType)
        if (isBytes(content)) return yield* files.writeBytes(target, content, contentType)
        if (typeof content === "string" && isWellFormed(content)) {
          return yield* files.writeBytes(target, new TextEncoder().encode(content), contentType)
        }
        return yield* invalid(
          operation,
          "content",
          content,
          "a string that UTF-8 can represent, bytes or a Stream of bytes"
        )
      }).pipe(spans.traced("Contexts.write")),
    removeFile: spans.method("Contexts.removeFile")((context, path) =>
      Effect.gen(function*() {
        const operation = "Contexts.removeFile"
        const { contextId, path: filePath } = yield* targetOf(operation, context, path)
        yield* Effect.catchIf(
          client.deleteContextFile({ contextId, filePath }, internalOptions({ operation })),
          (error) => error._tag === "RequestRejectedError" && /File.*NotFound|NoSuchKey/i.test(error.code),
          () => Effect.void
        )
      })
    )
  }
}

export const make = (client: AgbClient.Service): Contexts => ({
  list: list(client),
  files: files(client),
  ...management(client),
  ...contents(client)
})
