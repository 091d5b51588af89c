/** Mapping of session directories to contexts, and the synchronization policy. */
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { AbsolutePath, jsonText, nonBlank, optional } from "./codecs.js"

/** An optional field with a default; `null` is read as absent. */
const withDefault = <A, I>(schema: Schema.Schema<A, I>, value: () => NoInfer<A>) =>
  Schema.optionalWith(schema, { nullable: true, default: value })

const segmentsOf = (path: string): ReadonlyArray<string> => path.split("/")

/** A directory to synchronize. Unlike tools, which resolve `..` inside the session, contexts reject it. */
const SyncedPath = AbsolutePath.pipe(
  Schema.filter((path) => !segmentsOf(path).includes(".."), { description: "an absolute path without .. segments" })
)

/** A path relative to the synchronized directory; `""` and `/` select all of it. */
const InnerPath = Schema.String.pipe(
  Schema.filter((path) => !/[*?[\]\0]/.test(path) && !segmentsOf(path).includes(".."), {
    description: "a path without wildcards (* ? [ ]) or .. segments"
  })
)

/** Retention period of the content of a context. */
export const Lifecycle = Schema.Literal(
  "Lifecycle_1Day",
  "Lifecycle_3Days",
  "Lifecycle_5Days",
  "Lifecycle_10Days",
  "Lifecycle_15Days",
  "Lifecycle_30Days",
  "Lifecycle_90Days",
  "Lifecycle_180Days",
  "Lifecycle_360Days",
  "Lifecycle_Forever"
)

export type Lifecycle = typeof Lifecycle.Type

const WhiteList = Schema.Struct({
  path: withDefault(InnerPath, () => ""),
  excludePaths: withDefault(Schema.Array(InnerPath), () => [])
})

const UploadPolicy = Schema.Struct({
  autoUpload: withDefault(Schema.Boolean, () => true),
  uploadStrategy: withDefault(Schema.String, () => "UploadBeforeResourceRelease"),
  uploadMode: withDefault(Schema.Literal("File", "Archive"), () => "File" as const)
})

const DownloadPolicy = Schema.Struct({
  autoDownload: withDefault(Schema.Boolean, () => true),
  downloadStrategy: withDefault(Schema.String, () => "DownloadAsync")
})

const DeletePolicy = Schema.Struct({ syncLocalFile: withDefault(Schema.Boolean, () => true) })

const ExtractPolicy = Schema.Struct({
  extract: withDefault(Schema.Boolean, () => true),
  deleteSrcFile: withDefault(Schema.Boolean, () => true),
  extractToCurrentFolder: withDefault(Schema.Boolean, () => false)
})

const RecyclePolicy = Schema.Struct({
  lifecycle: withDefault(Lifecycle, () => "Lifecycle_Forever" as const),
  paths: withDefault(Schema.Array(InnerPath), () => [""])
})

const BwList = Schema.Struct({ whiteLists: withDefault(Schema.Array(WhiteList), () => []) })

/**
 * Synchronization policy between a session and a context: when to upload and download, which paths, and the retention.
 */
export const SyncPolicy = Schema.Struct({
  uploadPolicy: withDefault(UploadPolicy, () => UploadPolicy.make({})),
  downloadPolicy: withDefault(DownloadPolicy, () => DownloadPolicy.make({})),
  deletePolicy: withDefault(DeletePolicy, () => DeletePolicy.make({})),
  extractPolicy: withDefault(ExtractPolicy, () => ExtractPolicy.make({})),
  recyclePolicy: withDefault(RecyclePolicy, () => RecyclePolicy.make({})),
  bwList: withDefault(BwList, () => BwList.make({})),
  mappingPolicy: optional(Schema.Struct({ path: SyncedPath }))
})

export type SyncPolicy = typeof SyncPolicy.Type

/**
 * A session directory and the context that persists it.
 */
export const PersistenceData = Schema.Struct({
  contextId: nonBlank("a non-blank context id"),
  path: SyncedPath,
  policy: optional(jsonText(SyncPolicy))
})

export type PersistenceData = typeof PersistenceData.Type

/**
 * The session directories persisted in contexts, at most 100.
 */
export const PersistenceDataList = Schema.Array(PersistenceData).pipe(
  Schema.maxItems(100, { description: "an array of at most 100 context mappings" })
)

/** A context, or its id. */
export type ContextRef = string | { readonly id: string }

/** The fields of a policy, with defaults for absent ones. */
export type PolicyInput = typeof SyncPolicy.Encoded

const ContextId = nonBlank("a context or its non-blank id")

const Ref = Schema.declare(
  (input): input is ContextRef => Schema.is(ContextId)(Predicate.isRecord(input) ? input["id"] : input),
  { description: "a context or its non-blank id" }
)

const checkPolicy = (input: unknown) =>
  ParseResult.map(
    ParseResult.decodeUnknown(SyncPolicy)(input, { onExcessProperty: "error" }),
    () => input as PolicyInput
  )

/** A policy as callers give it, unchanged. */
const Policy = Schema.declare([], { decode: () => checkPolicy, encode: () => checkPolicy }, {
  description: "a synchronization policy"
})

/** A directory of a new session that a context persists, as callers give it. */
export const ContextMount = Schema.Struct({
  context: Ref,
  path: SyncedPath,
  policy: Schema.optional(Policy)
})

export type ContextMount = typeof ContextMount.Type

/** The mapping of a directory as it is sent. A mapping without a policy is ignored by some servers. */
export const persistenceOf = ({ context, path, policy = {} }: ContextMount): PersistenceData => ({
  contextId: typeof context === "string" ? context : context.id,
  path,
  policy: Schema.decodeSync(SyncPolicy)(policy)
})
