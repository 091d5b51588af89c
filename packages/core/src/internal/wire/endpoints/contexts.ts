/** Endpoints of contexts (storage that outlives sessions): contexts, their files and synchronization with sessions. */
import * as Schema from "effect/Schema"
import { flag, jsonText, nonBlank, numberText, optional } from "../codecs.js"
import { ContextDescription, ContextFile, contextStatus, syncItems } from "../contextModels.js"
import { SessionId } from "../models.js"
import { concealed } from "../text/concealed.js"
import { acknowledged, data, empty, endpoint, like } from "./endpoint.js"

const ContextId = nonBlank("a non-blank context id")

const FilePath = nonBlank("a non-blank path")

const whole = (from: number, to: number) =>
  numberText.pipe(
    Schema.filter((n) => Number.isSafeInteger(n) && n >= from && n <= to, {
      description: `an integer from ${from} to ${to}`
    })
  )

const byId = () => Schema.Struct({ id: ContextId })

const byFile = () => Schema.Struct({ contextId: ContextId, filePath: FilePath })

/**
 * Lists contexts page by page. `total` counts all pages.
 */
export const listContexts = endpoint({
  name: "listContexts",
  method: "GET",
  path: "/sdk/ListContexts",
  query: () => Schema.Struct({ maxResults: optional(whole(1, 1000)), nextToken: optional(Schema.String) }),
  body: () => empty,
  reply: () =>
    Schema.Struct({
      contexts: Schema.propertySignature(Schema.Array(ContextDescription)).pipe(Schema.fromKey("data")),
      nextToken: optional(Schema.String),
      maxResults: optional(Schema.Number),
      total: optional(Schema.Number).pipe(Schema.fromKey("totalCount"))
    }),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Returns a context by id or by name. With `allowCreate`, a context with an unknown name is created; repeating the call
 * returns the same one.
 */
export const getContext = endpoint({
  name: "getContext",
  method: "GET",
  path: "/sdk/GetContext",
  query: () =>
    Schema.Struct({
      id: optional(Schema.String),
      name: optional(Schema.String),
      loginRegionId: optional(Schema.String),
      allowCreate: optional(flag)
    }),
  body: () => empty,
  reply: () => data(ContextDescription),
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * Renames a context.
 */
export const modifyContext = endpoint({
  name: "modifyContext",
  method: "POST",
  path: "/sdk/ModifyContext",
  query: () => Schema.Struct({ id: ContextId, name: nonBlank("a non-blank name") }),
  body: () => empty,
  reply: () => acknowledged,
  retrySafety: "idempotent",
  successRule: "lenient"
})

/**
 * Deletes a context and its content.
 */
export const deleteContext = endpoint({
  ...like(modifyContext),
  name: "deleteContext",
  path: "/sdk/DeleteContext",
  query: byId
})

/**
 * Starts clearing a context; when done, `getContext` reports the state `available`.
 */
export const clearContext = endpoint({ ...like(deleteContext), name: "clearContext", path: "/sdk/ClearContext" })

/**
 * Starts a synchronization between a session and a context: `upload` copies into the context, `download` into the
 * session. `contextId` and `path` must be given together; without them all contexts of the session are synchronized.
 */
export const syncContext = endpoint({
  name: "syncContext",
  method: "POST",
  path: "/sdk/SyncContext",
  query: () =>
    Schema.Struct({
      sessionId: SessionId,
      contextId: optional(Schema.String),
      path: optional(Schema.String),
      mode: optional(Schema.Literal("upload", "download"))
    }),
  body: () => empty,
  reply: () => acknowledged,
  retrySafety: "unsafe",
  successRule: "lenient"
})

/**
 * Returns the state of the session's synchronizations, optionally filtered.
 */
export const getContextInfo = endpoint({
  name: "getContextInfo",
  method: "GET",
  path: "/sdk/GetContextInfo",
  query: () =>
    Schema.Struct({
      sessionId: SessionId,
      contextId: optional(Schema.String),
      path: optional(Schema.String),
      taskType: optional(Schema.String)
    }),
  body: () => empty,
  reply: () =>
    Schema.transform(
      Schema.Struct({ data: optional(Schema.Struct({ contextStatus: optional(contextStatus()) })) }),
      Schema.Struct({ items: syncItems() }),
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
 * Returns a presigned URL to PUT the content of a file; no API key is needed. `expireTime` is in Unix seconds.
 */
export const getContextFileUploadUrl = endpoint({
  name: "getContextFileUploadUrl",
  method: "POST",
  path: "/sdk/GetContextFileUploadUrl",
  query: byFile,
  body: () => empty,
  reply: () =>
    data(concealed(
      Schema.Struct({ url: nonBlank("a URL"), expireTime: optional(Schema.Union(Schema.Number, numberText)) }),
      "url"
    )),
  retrySafety: "safe",
  successRule: "lenient"
})

/**
 * Returns a presigned URL to GET the content of a file; no API key is needed. `expireTime` is in Unix seconds.
 */
export const getContextFileDownloadUrl = endpoint({
  ...like(getContextFileUploadUrl),
  name: "getContextFileDownloadUrl",
  path: "/sdk/GetContextFileDownloadUrl"
})

/**
 * Lists a folder of a context page by page. Default: the root folder. `total` counts all pages.
 */
export const describeContextFiles = endpoint({
  name: "describeContextFiles",
  method: "POST",
  path: "/sdk/DescribeContextFiles",
  query: () =>
    Schema.Struct({
      contextId: ContextId,
      parentFolderPath: optional(Schema.String),
      pageNumber: optional(whole(1, 1_000_000)),
      pageSize: optional(whole(1, 1000))
    }),
  body: () => empty,
  reply: () =>
    Schema.Struct({
      files: Schema.propertySignature(Schema.Array(ContextFile)).pipe(Schema.fromKey("data")),
      total: optional(Schema.Number).pipe(Schema.fromKey("count"))
    }),
  retrySafety: "safe",
  successRule: "strict"
})

/**
 * Deletes a file of a context. Deleting a missing file succeeds.
 */
export const deleteContextFile = endpoint({
  ...like(deleteContext),
  name: "deleteContextFile",
  path: "/sdk/DeleteContextFile",
  query: byFile
})

/**
 * Returns the internal contexts of a session. Clients upload and download through the one of type `file_transfer`;
 * `contextPath` is its directory in the session.
 */
export const getAndLoadInternalContext = endpoint({
  name: "getAndLoadInternalContext",
  method: "POST",
  path: "/sdk/GetAndLoadInternalContext",
  query: () => Schema.Struct({ sessionId: SessionId, contextTypes: jsonText(Schema.Array(Schema.String)) }),
  body: () => empty,
  reply: () =>
    data(Schema.Array(Schema.Struct({
      contextId: optional(Schema.String),
      contextType: optional(Schema.String),
      contextPath: optional(Schema.String)
    }))),
  retrySafety: "idempotent",
  successRule: "lenient"
})
