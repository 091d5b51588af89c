/** The endpoints of contexts: storage that outlives sessions, its files, and their way into sessions and back. */
import * as Schema from "effect/Schema"
import { filled, flag, jsonText, lenient, numberText } from "./codecs.js"
import { ContextDescription, ContextFile, ContextStatus, SyncItems } from "./contextModels.js"
import { acknowledged, data, endpoint, nothing, optional } from "./endpoint.js"
import { SessionId } from "./models.js"

const ContextId = filled("a context id that is not blank")

const FilePath = filled("a path that is not blank")

const whole = (from: number, to: number) =>
  numberText.pipe(
    Schema.filter((n) => Number.isSafeInteger(n) && n >= from && n <= to, {
      description: `a whole number from ${from} to ${to}`
    })
  )

const byId = Schema.Struct({ id: ContextId })

const byFile = Schema.Struct({ contextId: ContextId, filePath: FilePath })

/**
 * All contexts, a page at a time. `total` counts over all pages.
 */
export const listContexts = endpoint({
  name: "listContexts",
  method: "GET",
  path: "/sdk/ListContexts",
  query: Schema.Struct({ maxResults: optional(whole(1, 1000)), nextToken: optional(Schema.String) }),
  body: nothing,
  reply: Schema.Struct({
    contexts: Schema.propertySignature(Schema.Array(ContextDescription)).pipe(Schema.fromKey("data")),
    nextToken: lenient(Schema.String),
    maxResults: lenient(Schema.Number),
    total: lenient(Schema.Number).pipe(Schema.fromKey("totalCount"))
  }),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * The context of an id or of a name. With `allowCreate` a name that does not exist yet is created, so that this may be
 * repeated.
 */
export const getContext = endpoint({
  name: "getContext",
  method: "GET",
  path: "/sdk/GetContext",
  query: Schema.Struct({
    id: optional(Schema.String),
    name: optional(Schema.String),
    loginRegionId: optional(Schema.String),
    allowCreate: optional(flag)
  }),
  body: nothing,
  reply: data(ContextDescription),
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * Gives a context another name.
 */
export const modifyContext = endpoint({
  name: "modifyContext",
  method: "POST",
  path: "/sdk/ModifyContext",
  query: Schema.Struct({ id: ContextId, name: filled("a name that is not blank") }),
  body: nothing,
  reply: acknowledged,
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * Deletes a context and everything in it.
 */
export const deleteContext = endpoint({
  ...modifyContext,
  name: "deleteContext",
  path: "/sdk/DeleteContext",
  query: byId
})

/**
 * Begins to empty a context; `getContext` says `available` when it is over.
 */
export const clearContext = endpoint({ ...deleteContext, name: "clearContext", path: "/sdk/ClearContext" })

/**
 * Begins to copy between a session and a context: `upload` into the context, `download` into the session. `contextId`
 * and `path` are both given or both left out, which means all contexts of the session.
 */
export const syncContext = endpoint({
  name: "syncContext",
  method: "POST",
  path: "/sdk/SyncContext",
  query: Schema.Struct({
    sessionId: SessionId,
    contextId: optional(Schema.String),
    path: optional(Schema.String),
    mode: optional(Schema.Literal("upload", "download"))
  }),
  body: nothing,
  reply: acknowledged,
  retrySafety: "unsafe",
  successRule: "lenient"
})

/**
 * How the copies of a session stand, all of them or those that the filters name.
 */
export const getContextInfo = endpoint({
  name: "getContextInfo",
  method: "GET",
  path: "/sdk/GetContextInfo",
  query: Schema.Struct({
    sessionId: SessionId,
    contextId: optional(Schema.String),
    path: optional(Schema.String),
    taskType: optional(Schema.String)
  }),
  body: nothing,
  reply: Schema.transform(
    Schema.Struct({ data: lenient(Schema.Struct({ contextStatus: lenient(ContextStatus) })) }),
    Schema.Struct({ items: SyncItems }),
    {
      strict: true,
      decode: ({ data }) => ({ items: data?.contextStatus ?? [] }),
      encode: ({ items }) => ({ data: { contextStatus: items } })
    }
  ),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * A URL that takes the content of a file by PUT, without the API key, until `expireTime` (Unix time in seconds).
 */
export const getContextFileUploadUrl = endpoint({
  name: "getContextFileUploadUrl",
  method: "POST",
  path: "/sdk/GetContextFileUploadUrl",
  query: byFile,
  body: nothing,
  reply: data(Schema.Struct({
    url: filled("a URL"),
    expireTime: lenient(Schema.Union(Schema.Number, numberText))
  })),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * A URL that gives the content of a file by GET, without the API key, until `expireTime` (Unix time in seconds).
 */
export const getContextFileDownloadUrl = endpoint({
  ...getContextFileUploadUrl,
  name: "getContextFileDownloadUrl",
  path: "/sdk/GetContextFileDownloadUrl"
})

/**
 * What is in a folder of a context, a page at a time; no folder is the root. `total` counts over all pages.
 */
export const describeContextFiles = endpoint({
  name: "describeContextFiles",
  method: "POST",
  path: "/sdk/DescribeContextFiles",
  query: Schema.Struct({
    contextId: ContextId,
    parentFolderPath: optional(Schema.String),
    pageNumber: optional(whole(1, 1_000_000)),
    pageSize: optional(whole(1, 1000))
  }),
  body: nothing,
  reply: Schema.Struct({
    files: Schema.propertySignature(Schema.Array(ContextFile)).pipe(Schema.fromKey("data")),
    total: lenient(Schema.Number).pipe(Schema.fromKey("count"))
  }),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Deletes a file of a context; one that is not there is no failure.
 */
export const deleteContextFile = endpoint({
  ...deleteContext,
  name: "deleteContextFile",
  path: "/sdk/DeleteContextFile",
  query: byFile
})

/**
 * The contexts that belong to a session itself. `file_transfer` is the one through which clients upload and download;
 * `contextPath` is its directory in the session.
 */
export const getAndLoadInternalContext = endpoint({
  name: "getAndLoadInternalContext",
  method: "POST",
  path: "/sdk/GetAndLoadInternalContext",
  query: Schema.Struct({ sessionId: SessionId, contextTypes: jsonText(Schema.Array(Schema.String)) }),
  body: nothing,
  reply: data(Schema.Array(Schema.Struct({
    contextId: lenient(Schema.String),
    contextType: lenient(Schema.String),
    contextPath: lenient(Schema.String)
  }))),
  retrySafety: "idempotent",
  successRule: "lenient"
})
