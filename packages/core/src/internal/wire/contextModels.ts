/** Wire models of contexts, their files and the synchronizations between contexts and sessions. */
import * as Schema from "effect/Schema"
import { jsonText, nonBlank, optional } from "./codecs.js"

/**
 * Named persistent storage. `state` is `available`, `clearing` or `pre-available`; times are ISO 8601.
 */
export const ContextDescription = Schema.Struct({
  id: nonBlank("a non-blank context id"),
  name: optional(Schema.String),
  createTime: optional(Schema.String),
  lastUsedTime: optional(Schema.String),
  state: optional(Schema.String)
})

export type ContextDescription = typeof ContextDescription.Type

/**
 * A file or folder of a context. Times are ISO 8601, `size` is in bytes.
 */
export const ContextFile = Schema.Struct({
  fileId: optional(Schema.String),
  fileName: optional(Schema.String),
  filePath: optional(Schema.String),
  fileType: optional(Schema.String),
  gmtCreate: optional(Schema.String),
  gmtModified: optional(Schema.String),
  size: optional(Schema.Number),
  status: optional(Schema.String)
})

export type ContextFile = typeof ContextFile.Type

/**
 * One synchronization between a session and a context. `Success` and `Failed` are final. Times are Unix seconds; 0 means
 * not started or not finished.
 */
export const SyncItem = Schema.Struct({
  contextId: optional(Schema.String),
  path: optional(Schema.String),
  errorMessage: optional(Schema.String),
  status: optional(Schema.String),
  startTime: optional(Schema.Number),
  finishTime: optional(Schema.Number),
  taskType: optional(Schema.String)
})

export type SyncItem = typeof SyncItem.Type

export const syncItems = () => Schema.Array(Schema.typeSchema(SyncItem))

const dataRecord = () => Schema.Struct({ type: Schema.Literal("data"), data: jsonText(Schema.Array(SyncItem)) })

const otherRecord = () =>
  Schema.Struct({
    type: Schema.String.pipe(Schema.filter((type) => type !== "data", { description: "a type other than data" }))
  })

/** JSON text of an array of records. Those of type `data` contain the items as nested JSON text. */
export const contextStatus = () =>
  Schema.Union(
    Schema.transform(Schema.parseJson(Schema.Array(Schema.Union(dataRecord(), otherRecord()))), syncItems(), {
      strict: true,
      decode: (records) => records.flatMap((record) => "data" in record ? record.data : []),
      encode: (items) => [{ type: "data" as const, data: items }]
    }),
    Schema.transform(Schema.Literal(""), syncItems(), { strict: true, decode: () => [], encode: () => "" as const })
  )
