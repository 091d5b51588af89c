/** `Contexts` of the promise API. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agb } from "../../Agb.js"
import type * as Results from "../../OperationResult.js"
import type { WrittenFile } from "../session/contextFiles.js"
import * as services from "../session/contexts.js"
import type { ContextRef } from "../wire/persistence.js"
import type { Connection } from "./connection/connection.js"
import type { RequestIterator } from "./connection/iterate.js"
import * as operations from "./operation.js"
import { type Plain, plain } from "./plain.js"
import * as results from "./results.js"

/** A context. What the server does not report is absent. */
export type ContextInfo = Plain<services.ContextInfo>

/** A file or folder of a context. What the server does not report is absent. */
export type ContextEntry = Plain<services.ContextEntry>

/** Options of `clear`. */
export interface ClearContextOptions extends operations.CallOptions {
  /** How long to wait for the end. Default: 1 minute. */
  readonly timeoutMs?: number | undefined
}

/** Options of `files`. */
export interface ContextFilesOptions extends operations.CallOptions {
  /** The folder whose direct entries are listed. Default: the root of the context. */
  readonly folder?: string | undefined
}

/** Options of `read`. */
export interface ReadContextFileOptions extends operations.CallOptions {
  /** The largest file to read, in bytes. Default: 64 MiB. */
  readonly maxBytes?: number | undefined
  /** Of the whole transfer. Default: 10 minutes. */
  readonly timeoutMs?: number | undefined
}

/** Options of `write`. */
export interface WriteContextFileOptions extends operations.CallOptions {
  /** Size of an iterable in bytes, which some storage wants to know beforehand. Default: unknown. */
  readonly size?: number | undefined
  /** Media type under which the storage keeps the file, if it does. Default: none is sent. */
  readonly contentType?: string | undefined
  /** Of the whole transfer. Default: 10 minutes. */
  readonly timeoutMs?: number | undefined
}

const Ref = Schema.declare((u): u is ContextRef => Predicate.isString(u) || Predicate.isRecord(u), {
  description: "a context or its id"
})

const Query = Schema.declare(
  (u): u is services.ContextQuery => Predicate.isString(u) || Predicate.isRecord(u),
  { description: "a context, its id or its name" }
)

type Content = string | Uint8Array | AsyncIterable<Uint8Array>

const Content = Schema.declare(
  (u): u is Content =>
    typeof u === "string" || u instanceof Uint8Array || Predicate.hasProperty(u, Symbol.asyncIterator),
  { description: "a string, bytes or an async iterable of bytes" }
)

const Size = Schema.Number.pipe(Schema.filter((n) => Number.isSafeInteger(n) && n >= 0, {
  description: "a number of bytes"
}))

const timeOf = (timeoutMs: number | undefined) => timeoutMs === undefined ? {} : { timeout: Duration.millis(timeoutMs) }

const all = <A extends object, E>(stream: Stream.Stream<A, E>): Effect.Effect<ReadonlyArray<Plain<A>>, E> =>
  Effect.map(Stream.runCollect(stream), (chunk) => Chunk.toReadonlyArray(chunk).map(plain))

const list = operations.make(
  "Contexts.list",
  {},
  results.data<ReadonlyArray<ContextInfo>>(),
  (contexts: services.Contexts) => all(contexts.list)
)

const get = operations.make(
  "Contexts.get",
  { context: Query },
  results.data<ContextInfo>(),
  (contexts: services.Contexts, { context }) => Effect.map(contexts.get(context), plain)
)

const getOrCreate = operations.make(
  "Contexts.getOrCreate",
  { name: Schema.String },
  results.data<ContextInfo>(),
  (contexts: services.Contexts, { name }) => Effect.map(contexts.getOrCreate(name), plain)
)

const rename = operations.make(
  "Contexts.rename",
  { context: Ref, name: Schema.String },
  results.done,
  (contexts: services.Contexts, { context, name }) => contexts.rename(context, name)
)

const remove = operations.make(
  "Contexts.remove",
  { context: Ref },
  results.done,
  (contexts: services.Contexts, { context }) => contexts.remove(context)
)

const clear = operations.make(
  "Contexts.clear",
  { context: Ref, timeoutMs: Schema.optional(operations.Millis) },
  results.done,
  (contexts: services.Contexts, { context, timeoutMs }) => contexts.clear(context, timeOf(timeoutMs))
)

const files = operations.make(
  "Contexts.files",
  { context: Ref, folder: Schema.optional(Schema.String) },
  results.data<ReadonlyArray<ContextEntry>>(),
  (contexts: services.Contexts, { context, folder }) => all(contexts.files(context, { folder }))
)

const read = operations.make(
  "Contexts.read",
  {
    context: Ref,
    path: Schema.String,
    maxBytes: Schema.optional(Size),
    timeoutMs: Schema.optional(operations.Millis)
  },
  results.binaryContent,
  (contexts: services.Contexts, { context, maxBytes, path, timeoutMs }) =>
    contexts.read(context, path, { maxBytes, ...timeOf(timeoutMs) })
)

const readStream = operations.source(
  "Contexts.readStream",
  { context: Ref, path: Schema.String },
  (contexts: services.Contexts, { context, path }) => contexts.readStream(context, path)
)

/** An error that the iterable throws is the caller's own: the promise rejects with it. */
const contentOf = (content: Content): string | Uint8Array | Stream.Stream<Uint8Array> =>
  typeof content === "string" || content instanceof Uint8Array
    ? content
    : Stream.orDie(Stream.fromAsyncIterable(content, (error) => error))

const write = operations.make(
  "Contexts.write",
  {
    context: Ref,
    path: Schema.String,
    content: Content,
    size: Schema.optional(Size),
    contentType: Schema.optional(Schema.String),
    timeoutMs: Schema.optional(operations.Millis)
  },
  results.data<WrittenFile>(),
  (contexts: services.Contexts, { content, contentType, context, path, size, timeoutMs }) =>
    contexts.write(context, path, contentOf(content), { size, contentType, ...timeOf(timeoutMs) })
)

const removeFile = operations.make(
  "Contexts.removeFile",
  { context: Ref, path: Schema.String },
  results.done,
  (contexts: services.Contexts, { context, path }) => contexts.removeFile(context, path)
)

const service = Effect.map(Agb, ({ client }) => services.make(client))

/** The contexts of an account: named storage that outlives sessions. */
export class Contexts {
  readonly #connection: Connection

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Lists all contexts. */
  list(options?: operations.CallOptions): Promise<Results.OperationResult<ReadonlyArray<ContextInfo>>> {
    return this.#connection.answer(list, service, {}, options)
  }

  /** Describes a context, given by its id or its name. */
  get(
    context: services.ContextQuery,
    options?: operations.CallOptions
  ): Promise<Results.OperationResult<ContextInfo>> {
    return this.#connection.answer(get, service, { context }, options)
  }

  /** Returns the context of this name, and creates it if there is none. */
  getOrCreate(name: string, options?: operations.CallOptions): Promise<Results.OperationResult<ContextInfo>> {
    return this.#connection.answer(getOrCreate, service, { name }, options)
  }

  /** Gives a context another name. */
  rename(context: ContextRef, name: string, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#connection.answer(rename, service, { context, name }, options)
  }

  /** Removes a context and its files. One that does not exist counts as removed. */
  remove(context: ContextRef, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#connection.answer(remove, service, { context }, options)
  }

  /** Removes the files of a context and waits until the server confirms it. */
  clear(context: ContextRef, options?: ClearContextOptions): Promise<Results.BoolResult> {
    return this.#connection.answer(clear, service, { context }, options)
  }

  /** Lists the files and folders in a folder of a context. */
  files(
    context: ContextRef,
    options?: ContextFilesOptions
  ): Promise<Results.OperationResult<ReadonlyArray<ContextEntry>>> {
    return this.#connection.answer(files, service, { context }, options)
  }

  /** Reads a file of at most `maxBytes`. */
  read(context: ContextRef, path: string, options?: ReadContextFileOptions): Promise<Results.BinaryFileContentResult> {
    return this.#connection.answer(read, service, { context, path }, options)
  }

  /** Reads a file of any size in flat memory. The iterator knows the id of the last request. */
  readStream(
    context: ContextRef,
    path: string,
    options?: operations.CallOptions
  ): RequestIterator<Uint8Array> {
    return this.#connection.iterate(readStream, service, { context, path }, options)
  }

  /**
   * Writes a whole file: a string as UTF-8, bytes, or an async iterable of bytes of any size. It rejects with what the iterable
   * throws.
   */
  write(
    context: ContextRef,
    path: string,
    content: string | Uint8Array | AsyncIterable<Uint8Array>,
    options?: WriteContextFileOptions
  ): Promise<Results.OperationResult<WrittenFile>> {
    return this.#connection.answer(write, service, { context, path, content }, options)
  }

  /** Removes a file. One that does not exist counts as removed. */
  removeFile(context: ContextRef, path: string, options?: operations.CallOptions): Promise<Results.BoolResult> {
    return this.#connection.answer(removeFile, service, { context, path }, options)
  }
}
