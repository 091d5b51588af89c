/** Whatever a server answers is a value or a typed error, never a defect. */
import { type AgbApi, AgbError, AgbServer } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Schema } from "effect"
import { clientOf, failureOf, handlersOf, names, requestOf } from "../wire/codecs/wireClient.js"

const requests = {
  sessionId: "s",
  imageId: "i",
  name: "shell",
  args: {},
  labels: { a: "b" },
  id: "c",
  contextId: "c",
  filePath: "/f",
  contextTypes: []
}

const handles = {
  sessionId: "s",
  resourceUrl: "u",
  appInstanceId: "a",
  resourceId: "r",
  linkUrl: "l",
  wsUrl: "w",
  token: "t",
  toolList: "[{\"name\":\"shell\",\"server\":\"x\"}]"
}

const context = { id: "c", name: "n", createTime: "t", lastUsedTime: "t", state: "available" }

const syncItem = {
  contextId: "c",
  path: "/p",
  errorMessage: "",
  status: "Success",
  startTime: 1,
  finishTime: 2,
  taskType: "upload"
}

/** One full reply of each endpoint: what stands beside the envelope. */
const samples: Readonly<Record<AgbApi.EndpointName, object>> = {
  createSession: { data: { ...handles, success: true, errMsg: null } },
  getSession: { data: { ...handles, status: "RUNNING", success: true } },
  getSessionInfo: { data: { status: "RUNNING" } },
  releaseSession: {},
  releaseSessionAsync: {},
  refreshSessionIdleTime: {},
  setLabel: {},
  getLabel: { data: { labels: "{\"a\":\"b\"}" } },
  listSession: { data: [{ sessionId: "s", sessionStatus: "RUNNING" }], nextToken: "2", maxResults: 1, count: 2 },
  getMcpResource: {
    data: {
      sessionId: "s",
      resourceUrl: "u",
      desktopInfo: {
        appId: "a",
        authCode: "c",
        connectionProperties: "p",
        resourceId: "r",
        resourceType: "t",
        ticket: "t"
      }
    }
  },
  getLink: { data: { url: "u" } },
  getCdpLink: { data: { url: "u" } },
  initBrowser: { data: { port: 9222 } },
  listContexts: { data: [context], nextToken: "2", maxResults: 1, totalCount: 2 },
  getContext: { data: context },
  modifyContext: {},
  deleteContext: {},
  clearContext: {},
  syncContext: {},
  getContextInfo: {
    data: {
      contextStatus: JSON.stringify([{ type: "data", data: JSON.stringify([syncItem]) }, { type: "other", data: "x" }])
    }
  },
  getContextFileUploadUrl: { data: { url: "u", expireTime: 1 } },
  getContextFileDownloadUrl: { data: { url: "u", expireTime: "1" } },
  describeContextFiles: { data: [{ fileId: "f", fileName: "n", filePath: "/n", size: 1, status: "s" }], count: 1 },
  deleteContextFile: {},
  getAndLoadInternalContext: { data: [{ contextId: "c", contextType: "file_transfer", contextPath: "/t" }] },
  listTools: {
    data:
      "[{\"name\":\"shell\",\"server\":\"x\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"},\"tool\":\"t\"}]"
  },
  callTool: { data: { content: [{ type: "text", text: "hi", blob: "b", data: "d" }], isError: false } }
}

const envelope = { requestId: "r", success: true, code: "ok", message: null, httpStatusCode: 200 }

const others: ReadonlyArray<unknown> = [null, 0, -1.5, "", "x", true, [], [null], {}, { "": null }]

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A value with each of its fields, those inside of JSON texts too, missing or replaced by something else. */
function* mutations(value: unknown): Generator<unknown> {
  yield* others
  if (typeof value === "string") {
    const inner = parsed(value)
    if (typeof inner === "object" && inner !== null) {
      for (const mutated of mutations(inner)) yield JSON.stringify(mutated)
    }
  } else if (Array.isArray(value)) {
    for (const mutated of mutations(value[0])) yield [mutated]
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
      for (const mutated of mutations(inner)) yield { ...value, [name]: mutated }
    }
  }
}

const isClientError = (error: AgbError.ClientError): boolean => Schema.is(AgbError.ClientError)(error)

describe("one field of a reply is missing or something else", () => {
  for (const name of names) {
    it.effect(name, () =>
      Effect.gen(function*() {
        let body = ""
        const call = yield* clientOf(() => Effect.sync(() => ({ status: 200, body })))
        for (const fields of mutations(samples[name])) {
          body = JSON.stringify({ ...envelope, ...fields as object })
          const error = failureOf(yield* Effect.exit(call(name)(requestOf(name, requests))))
          const refused = name === "createSession" && error?._tag === "RequestRejectedError"
          assert.isTrue(error === undefined || refused || error._tag === "MalformedResponseError", `${body}: ${error}`)
        }
        for (const mutated of mutations(envelope)) {
          body = JSON.stringify(typeof mutated === "object" ? { ...samples[name], ...mutated } : mutated)
          const error = failureOf(yield* Effect.exit(call(name)(requestOf(name, requests))))
          assert.isTrue(error === undefined || isClientError(error), body)
        }
      }))
  }
})

const statuses = [200, 201, 204, 299, 302, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503]

const anyBody = FastCheck.oneof(
  FastCheck.string(),
  FastCheck.json(),
  FastCheck.record({
    success: FastCheck.jsonValue(),
    code: FastCheck.jsonValue(),
    message: FastCheck.jsonValue(),
    data: FastCheck.jsonValue(),
    body: FastCheck.jsonValue(),
    Success: FastCheck.jsonValue(),
    requestId: FastCheck.jsonValue()
  }, { requiredKeys: [] }).map((fields) => JSON.stringify(fields))
)

describe("any body with any status", () => {
  let reply = { status: 200, body: "" }
  const call = Effect.runSync(clientOf(() => Effect.sync(() => reply)))

  it.prop(
    "is a value or a typed error",
    [FastCheck.constantFrom(...names), FastCheck.constantFrom(...statuses), anyBody],
    ([name, status, body]) => {
      reply = { status, body }
      const error = failureOf(Effect.runSyncExit(call(name)(requestOf(name, requests))))
      assert.isTrue(error === undefined || isClientError(error))
      if (status >= 400) assert.isDefined(error)
    },
    { fastCheck: { numRuns: 500 } }
  )
})

const depth = 100_000

const deepArray = "[".repeat(depth) + "]".repeat(depth)

const deepObject = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth)

describe("JSON nested 100,000 deep", () => {
  const bodies = [
    deepArray,
    deepObject,
    `{"success":true,"data":${deepObject}}`,
    `{"success":true,"data":[${deepArray}]}`,
    `{"success":true,"data":{"sessionId":"s","labels":${deepObject},"toolList":${deepArray},"status":${deepArray}}}`,
    JSON.stringify({ success: true, data: { sessionId: "s", labels: deepArray, toolList: deepObject } }),
    JSON.stringify({ success: true, data: deepArray }),
    `{"success":true,"data":{"content":[{"data":${deepArray}}]}}`,
    `{"success":true,"data":[{"name":"x","inputSchema":${deepObject}}]}`
  ]

  for (const name of ["createSession", "getSessionInfo", "getLabel", "listSession", "listTools", "callTool"] as const) {
    it.effect(`as a reply to ${name} is a value or a typed error`, () =>
      Effect.gen(function*() {
        for (const body of bodies) {
          const call = yield* clientOf(() => Effect.succeed({ status: 200, body }))
          failureOf(yield* Effect.exit(call(name)(requestOf(name, requests))))
        }
      }))
  }

  it.effect("as a request is answered", () =>
    Effect.gen(function*() {
      const answer = AgbServer.make(handlersOf(() => ({ sessionId: "s", data: { content: [], isError: false } })))
      const query = new URLSearchParams({ sessionId: "s", Labels: deepObject, labels: deepArray })
      for (const deep of [deepArray, deepObject]) {
        const args = `{"sessionId":"s","name":"shell","args":{"command":${deep}}}`
        for (const body of [deep, args, JSON.stringify({ sessionId: "s", name: "shell", args: deep })]) {
          for (const path of ["/mcp", "/mcp/createSession", "/mcp/getSession"]) {
            const { status } = yield* answer({ method: "POST", path, query: new URLSearchParams(), body })
            assert.oneOf(status, [200, 400])
          }
        }
      }
      assert.strictEqual((yield* answer({ method: "POST", path: "/sdk/SetLabel", query, body: "" })).status, 400)
      assert.strictEqual((yield* answer({ method: "GET", path: "/sdk/ListSession", query, body: "" })).status, 400)
    }))
})
