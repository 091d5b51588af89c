/** What contexts, their files and their copies look like on the wire. */
import * as Schema from "effect/Schema"
import { filled, jsonText, lenient } from "./codecs.js"

/**
 * Storage with a name. `state` is `available`, `clearing` or `pre-available`; the times are ISO texts.
 */
export const ContextDescription = Schema.Struct({
  id: filled("a context id that is not blank"),
  name: lenient(Schema.String),
  createTime: lenient(Schema.String),
  lastUsedTime: lenient(Schema.String),
  state: lenient(Schema.String)
})

export type ContextDescription = typeof ContextDescription.Type

/**
 * A file or a folder of a context; the times are ISO texts, the size is in bytes.
 */
export const ContextFile = Schema.Struct({
  fileId: lenient(Schema.String),
  fileName: lenient(Schema.String),
  filePath: lenient(Schema.String),
  fileType: lenient(Schema.String),
  gmtCreate: lenient(Schema.String),
  gmtModified: lenient(Schema.String),
  size: lenient(Schema.Number),
  status: lenient(Schema.String)
})

export type ContextFile = typeof ContextFile.Type

/**
 * One copy between a session and a context. `Success` and `Failed` are final; times are in seconds, 0 is not yet.
 */
export const SyncItem = Schema.Struct({
  contextId: lenient(Schema.String),
  path: lenient(Schema.String),
  errorMessage: lenient(Schema.String),
  status: lenient(Schema.String),
  startTime: lenient(Schema.Number),
  finishTime: lenient(Schema.Number),
  taskType: lenient(Schema.String)
})

export type SyncItem = typeof SyncItem.Type

export const SyncItems = Schema.Array(Schema.typeSchema(SyncItem))

const DataRecord = Schema.Struct({ type: Schema.Literal("data"), data: jsonText(Schema.Array(SyncItem)) })

const OtherRecord = Schema.Struct({
  type: Schema.String.pipe(Schema.filter((type) => type !== "data", { description: "another type of record" }))
})

/** JSON text of records, of which those of type `data` hold another JSON text, that of the items. */
export const ContextStatus = Schema.Union(
  Schema.transform(Schema.parseJson(Schema.Array(Schema.Union(DataRecord, OtherRecord))), SyncItems, {
    strict: true,
    decode: (records) => records.flatMap((record) => "data" in record ? record.data : []),
    encode: (items) => [{ type: "data" as const, data: items }]
  }),
  Schema.transform(Schema.Literal(""), SyncItems, { strict: true, decode: () => [], encode: () => "" as const })
)
