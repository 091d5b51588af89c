/** Which contexts a session keeps its directories in, and by which rules. */
import * as Schema from "effect/Schema"
import { filled, jsonText } from "./codecs.js"
import { optional } from "./endpoint.js"

const or = <A, I>(schema: Schema.Schema<A, I>, otherwise: () => NoInfer<A>) =>
  Schema.optionalWith(schema, { nullable: true, default: otherwise })

const segmentsOf = (path: string): ReadonlyArray<string> => path.split("/")

/** An absolute path without `..` and NUL, of a length that a system takes. */
export const AbsolutePath = Schema.String.pipe(
  Schema.filter(
    (path) => path.startsWith("/") && path.length <= 4096 && !path.includes("\0") && !segmentsOf(path).includes(".."),
    { description: "an absolute path without .. and NUL of at most 4096 characters" }
  )
)

/** A path below a context's own; `""` and `/` are all of it. */
const InnerPath = Schema.String.pipe(
  Schema.filter((path) => !/[*?[\]\0]/.test(path) && !segmentsOf(path).includes(".."), {
    description: "a path without wildcards (* ? [ ]) and .."
  })
)

/** How long what a context holds is kept. */
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
  path: or(InnerPath, () => ""),
  excludePaths: or(Schema.Array(InnerPath), () => [])
})

const UploadPolicy = Schema.Struct({
  autoUpload: or(Schema.Boolean, () => true),
  uploadStrategy: or(Schema.String, () => "UploadBeforeResourceRelease"),
  uploadMode: or(Schema.Literal("File", "Archive"), () => "File" as const)
})

const DownloadPolicy = Schema.Struct({
  autoDownload: or(Schema.Boolean, () => true),
  downloadStrategy: or(Schema.String, () => "DownloadAsync")
})

const DeletePolicy = Schema.Struct({ syncLocalFile: or(Schema.Boolean, () => true) })

const ExtractPolicy = Schema.Struct({
  extract: or(Schema.Boolean, () => true),
  deleteSrcFile: or(Schema.Boolean, () => true),
  extractToCurrentFolder: or(Schema.Boolean, () => false)
})

const RecyclePolicy = Schema.Struct({
  lifecycle: or(Lifecycle, () => "Lifecycle_Forever" as const),
  paths: or(Schema.Array(InnerPath), () => [""])
})

const BwList = Schema.Struct({ whiteLists: or(Schema.Array(WhiteList), () => []) })

/**
 * What a session does with a context: when it uploads and downloads, what of it, and for how long it is kept.
 */
export const SyncPolicy = Schema.Struct({
  uploadPolicy: or(UploadPolicy, () => UploadPolicy.make({})),
  downloadPolicy: or(DownloadPolicy, () => DownloadPolicy.make({})),
  deletePolicy: or(DeletePolicy, () => DeletePolicy.make({})),
  extractPolicy: or(ExtractPolicy, () => ExtractPolicy.make({})),
  recyclePolicy: or(RecyclePolicy, () => RecyclePolicy.make({})),
  bwList: or(BwList, () => BwList.make({})),
  mappingPolicy: Schema.optionalWith(Schema.Struct({ path: AbsolutePath }), { exact: true, nullable: true })
})

export type SyncPolicy = typeof SyncPolicy.Type

/**
 * A directory of a session and the context that keeps it.
 */
export const PersistenceData = Schema.Struct({
  contextId: filled("a context id that is not blank"),
  path: AbsolutePath,
  policy: optional(jsonText(SyncPolicy))
})

export type PersistenceData = typeof PersistenceData.Type

/**
 * The directories of a session that are kept in contexts.
 */
export const PersistenceDataList = Schema.Array(PersistenceData).pipe(
  Schema.maxItems(100, { description: "an array of at most 100 context mappings" })
)
