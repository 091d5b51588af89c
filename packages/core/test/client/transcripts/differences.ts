/** Where our answer differs on purpose from what the official SDKs showed to their callers. */
import type { Json } from "./recordings.js"
import type { Aspect } from "./words.js"

export interface Difference {
  readonly why: string
  readonly aspects: ReadonlyArray<Aspect>
  /** Tag of our error, or `success`. */
  readonly ours: string
  /** What our value must show instead. */
  readonly shows?: (view: Json) => boolean
  /** `*` is any folder. */
  readonly calls: ReadonlyArray<string>
}

const length = (value: unknown): number => (value as ReadonlyArray<unknown>).length

const differences: ReadonlyArray<Difference> = [
  {
    why: "a session that is gone has a type and words of its own",
    aspects: ["text"],
    ours: "SessionLostError",
    calls: [
      "*/session/get.missing",
      "*/errors/404.status",
      "typescript/errors/400.status",
      "typescript/errors/404.tool",
      "python/errors/404.tool",
      "*/errors/200.toolSessionNotFound",
      "typescript/errors/released",
      "python-v0.2.2/session/delete.again"
    ]
  },
  {
    why: "v0.2.2 took a refusal without data for a success without result",
    aspects: ["outcome"],
    ours: "SessionLostError",
    calls: ["python-v0.2.2/errors/404.tool"]
  },
  {
    why: "a session that is not there is deleted",
    aspects: ["outcome"],
    ours: "success",
    calls: ["typescript/session/delete.again", "python/session/delete.again"]
  },
  {
    why: "a malformed reply is described by place and expectation, and never quoted",
    aspects: ["text"],
    ours: "MalformedResponseError",
    calls: [
      "typescript/session/info.noData",
      "*/session/getLink.noUrl",
      "typescript/tools/listTools.badJson",
      "typescript/tools/content.nullData",
      "python/labels/get.badJson",
      "*/errors/200.noSuccessFlag",
      "*/errors/201.tool",
      "*/errors/badJson.getSession",
      "typescript/errors/empty.getSession"
    ]
  },
  {
    why: "the TypeScript SDK reads labels that are not JSON as none, the Python SDK throws as we fail",
    aspects: ["outcome"],
    ours: "MalformedResponseError",
    calls: ["typescript/labels/get.badJson"]
  },
  {
    why: "a reply without the tool's answer is no success without a result",
    aspects: ["outcome"],
    ours: "MalformedResponseError",
    calls: ["typescript/tools/content.noData", "python/tools/content.nullData"]
  },
  {
    why: "a broken or late answer leaves open whether the work was done, and says so in words of its own",
    aspects: ["text"],
    ours: "ExecutionUnknownError",
    calls: [
      "*/code/run.noContent",
      "*/errors/badJson.tool",
      "*/errors/reset",
      "*/errors/timeout.tool",
      "python/errors/500.html",
      "python-v0.2.2/errors/500.tool"
    ]
  },
  {
    why: "text that is not the result of a command proves nothing about its exit code",
    aspects: ["outcome"],
    ours: "ExecutionUnknownError",
    calls: ["*/command/plain", "typescript/command/number"]
  },
  {
    why: "the network's failures are told apart by kind, not by the words of an HTTP library",
    aspects: ["text"],
    ours: "TransportError",
    calls: ["typescript/errors/timeout.read", "typescript/errors/timeout.create"]
  },
  {
    why: "the Python SDK shows a fixed text where the server said something",
    aspects: ["text"],
    ours: "ServerError",
    calls: ["python/errors/502.create"]
  },
  {
    why: "the TypeScript SDK loses the server's words when a release fails",
    aspects: ["text"],
    ours: "RequestRejectedError",
    calls: ["typescript/session/delete.failedCaps"]
  },
  {
    why: "the tool's own text says more than the envelope around it",
    aspects: ["text"],
    ours: "ToolError",
    calls: ["*/tools/content.errorMessageHidesText"]
  },
  {
    why: "empty code is refused before it is sent",
    aspects: ["text", "request id"],
    ours: "InvalidRequestError",
    calls: ["*/code/run.empty"]
  },
  {
    why: "a directory is refused after a look at it, by the client",
    aspects: ["text", "request id"],
    ours: "FileError",
    calls: ["*/filesystem/read.dir"]
  },
  {
    why: "code that raised has failed, with or without a flag beside its error",
    aspects: ["outcome"],
    ours: "CodeExecutionError",
    calls: ["*/code/run.legacyRichErrorNoFlag"]
  },
  {
    why: "the TypeScript SDK drops error and output of the older shape",
    aspects: ["value"],
    ours: "CodeExecutionError",
    calls: ["typescript/code/run.legacyRichError"]
  },
  {
    why: "metrics have no method here: the text of the tool is handed on",
    aspects: ["outcome"],
    ours: "success",
    shows: ({ data }) => data === "not json",
    calls: ["*/session/metrics.badJson"]
  },
  {
    why: "a list is a stream of all sessions and has no page numbers",
    aspects: ["value"],
    ours: "success",
    shows: ({ sessionIds }) => length(sessionIds) === 5,
    calls: ["*/list/list.page3"]
  },
  {
    why: "a list is a stream of all sessions, so nobody asks beyond its end",
    aspects: ["outcome"],
    ours: "success",
    shows: ({ sessionIds }) => length(sessionIds) === 5,
    calls: ["*/list/list.page9"]
  },
  {
    why: "the TypeScript SDK cuts the value of a line at its second colon",
    aspects: ["value"],
    ours: "success",
    shows: ({ fileInfo }) => (fileInfo as Json)["modTime"] === "2026-04-07T08:00:00Z",
    calls: ["typescript/filesystem/info.file", "typescript/filesystem/info.dir"]
  },
  {
    why: "tools are read from an array as well as from its JSON text",
    aspects: ["value"],
    ours: "success",
    shows: ({ tools }) => length(tools) === 1,
    calls: ["typescript/tools/listTools.arrayData"]
  },
  {
    why: "no content is the empty text",
    aspects: ["value"],
    ours: "success",
    shows: ({ data }) => data === "",
    calls: ["*/tools/content.none"]
  },
  {
    why: "the TypeScript SDK takes the first piece when none is of type text, the Python SDK nothing",
    aspects: ["value"],
    ours: "success",
    shows: ({ data }) => data === "QkxPQg==" || data === "untyped",
    calls: ["python/tools/content.blob", "python/tools/content.untypedText"]
  },
  {
    why: "the first answer of a watch is its baseline, as in the later Python SDK",
    aspects: ["value"],
    ours: "success",
    shows: ({ watched }) => length(watched) === 1,
    calls: ["python-v0.2.2/filesystem/watch_directory"]
  }
]

const matches = (pattern: string, id: string): boolean =>
  pattern === id || pattern.startsWith("*/") && id.endsWith(pattern.slice(1))

export const differenceOf = (id: string): Difference | undefined =>
  differences.find(({ calls }) => calls.some((pattern) => matches(pattern, id)))

/** Patterns that no recorded call matches. */
export const stale = (ids: ReadonlyArray<string>): ReadonlyArray<string> =>
  differences.flatMap(({ calls }) => calls).filter((pattern) => !ids.some((id) => matches(pattern, id)))
