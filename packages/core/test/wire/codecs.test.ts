/** Every endpoint, from our client through our server and back: what is asked arrives, what is answered arrives. */
import { type AgbApi, AgbServer } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FastCheck, Redacted } from "effect"
import { clientOf, failureOf, handlersOf, names } from "./codecs/wireClient.js"

const text = FastCheck.oneof(FastCheck.string(), FastCheck.string({ unit: "grapheme" }))

const filled = text.filter((s) => s.trim() !== "")

const labelName = FastCheck.oneof(
  FastCheck.constantFrom("constructor", "toString", "hasOwnProperty", "a b", "=&+%#", "\0", "1", "é\n"),
  filled.filter((name) => name !== "__proto__")
)

const labels = FastCheck.dictionary(labelName, filled, { noNullPrototype: true })

const someLabels = labels.filter((labels) => Object.keys(labels).length > 0)

const json = FastCheck.json().map((text): unknown => JSON.parse(text))

/** An optional field that is null is absent. */
const value = json.filter((value) => value !== null)

const optionalFields = <T>(fields: { [K in keyof T]: FastCheck.Arbitrary<T[K]> }): FastCheck.Arbitrary<object> =>
  FastCheck.record(fields, { requiredKeys: [] }) as FastCheck.Arbitrary<object>

const path = filled.map((name) => `/${name.replace(/[\0/]/g, "-").replaceAll("..", "-")}`)

const innerPath = path.map((path) => path.replace(/[*?[\]]/g, "-"))

const flag = FastCheck.boolean()

const policy = FastCheck.record({
  uploadPolicy: FastCheck.record({
    autoUpload: flag,
    uploadStrategy: text,
    uploadMode: FastCheck.constantFrom("File", "Archive")
  }),
  downloadPolicy: FastCheck.record({ autoDownload: flag, downloadStrategy: text }),
  deletePolicy: FastCheck.record({ syncLocalFile: flag }),
  extractPolicy: FastCheck.record({ extract: flag, deleteSrcFile: flag, extractToCurrentFolder: flag }),
  recyclePolicy: FastCheck.record({
    lifecycle: FastCheck.constantFrom("Lifecycle_1Day", "Lifecycle_360Days", "Lifecycle_Forever"),
    paths: FastCheck.array(innerPath)
  }),
  bwList: FastCheck.record({
    whiteLists: FastCheck.array(FastCheck.record({ path: innerPath, excludePaths: FastCheck.array(innerPath) }))
  }),
  mappingPolicy: FastCheck.record({ path })
}, {
  requiredKeys: [
    ...["uploadPolicy", "downloadPolicy", "deletePolicy", "extractPolicy", "recyclePolicy", "bwList"] as const
  ]
})

const persistenceDataList = FastCheck.array(
  FastCheck.record({ contextId: filled, path, policy }, { requiredKeys: ["contextId", "path"] }),
  { maxLength: 3 }
)

/** Requests of the endpoints that take more than the id of a session. */
const special: Partial<Record<AgbApi.EndpointName, FastCheck.Arbitrary<object>>> = {
  createSession: optionalFields({
    imageId: filled,
    sdkStats: text,
    labels,
    mcpPolicyId: text,
    contextId: text,
    timeout: FastCheck.nat(),
    persistenceDataList
  }),
  setLabel: FastCheck.record({ sessionId: filled, labels: someLabels }),
  listSession: FastCheck.record({ labels, maxResults: FastCheck.integer({ min: 1 }), nextToken: text }, {
    requiredKeys: []
  }),
  listTools: FastCheck.record({ imageId: filled }),
  getLink: FastCheck.record({
    sessionId: filled,
    protocolType: filled,
    port: FastCheck.integer({ min: 30_100, max: 30_199 })
  }, { requiredKeys: ["sessionId"] }),
  listContexts: optionalFields({ maxResults: FastCheck.integer({ min: 1, max: 1000 }), nextToken: text }),
  getContext: optionalFields({ id: text, name: text, loginRegionId: text, allowCreate: FastCheck.boolean() }),
  modifyContext: FastCheck.record({ id: filled, name: filled }),
  deleteContext: FastCheck.record({ id: filled }),
  clearContext: FastCheck.record({ id: filled }),
  syncContext: FastCheck.record(
    { sessionId: filled, contextId: text, path: text, mode: FastCheck.constantFrom("upload", "download") },
    { requiredKeys: ["sessionId"] }
  ),
  getContextInfo: FastCheck.record({ sessionId: filled, contextId: text, path: text, taskType: text }, {
    requiredKeys: ["sessionId"]
  }),
  getContextFileUploadUrl: FastCheck.record({ contextId: filled, filePath: filled }),
  getContextFileDownloadUrl: FastCheck.record({ contextId: filled, filePath: filled }),
  deleteContextFile: FastCheck.record({ contextId: filled, filePath: filled }),
  describeContextFiles: FastCheck.record({
    contextId: filled,
    parentFolderPath: text,
    pageNumber: FastCheck.integer({ min: 1, max: 1_000_000 }),
    pageSize: FastCheck.integer({ min: 1, max: 1000 })
  }, { requiredKeys: ["contextId"] }),
  getAndLoadInternalContext: FastCheck.record({ sessionId: filled, contextTypes: FastCheck.array(text) }),
  callTool: FastCheck.record({
    sessionId: filled,
    name: filled,
    args: FastCheck.dictionary(text, json, { noNullPrototype: true }),
    autoGenSession: FastCheck.boolean(),
    imageId: text,
    server: text
  }, { requiredKeys: ["sessionId", "name", "args"] })
}

const requestOf = (name: AgbApi.EndpointName): FastCheck.Arbitrary<object> =>
  special[name] ?? FastCheck.record({ sessionId: filled })

const optional = <T>(fields: { [K in keyof T]: FastCheck.Arbitrary<T[K]> }): FastCheck.Arbitrary<Partial<T>> =>
  FastCheck.record(fields, { requiredKeys: [] }) as FastCheck.Arbitrary<Partial<T>>

const secret = text.map(Redacted.make)

const session = FastCheck.tuple(
  filled,
  optional({
    resourceUrl: text,
    appInstanceId: text,
    resourceId: text,
    linkUrl: text,
    wsUrl: text,
    token: secret,
    toolList: FastCheck.array(FastCheck.record({ name: filled, server: text }, { requiredKeys: ["name"] }))
  })
).map(([sessionId, handles]) => ({ sessionId, ...handles }))

const done = FastCheck.constant(undefined)

const context = FastCheck.tuple(
  filled,
  optional({ name: text, createTime: text, lastUsedTime: text, state: text })
).map(([id, rest]) => ({ id, ...rest }))

const fileUrl = FastCheck.record({ url: filled, expireTime: FastCheck.nat() }, { requiredKeys: ["url"] })

const replies: Readonly<Record<AgbApi.EndpointName, FastCheck.Arbitrary<unknown>>> = {
  createSession: session,
  getSession: FastCheck.tuple(session, optional({ status: text, success: FastCheck.boolean() })).map(
    ([session, rest]) => ({ ...session, ...rest })
  ),
  getSessionInfo: FastCheck.record({ status: text }),
  releaseSession: done,
  releaseSessionAsync: done,
  refreshSessionIdleTime: done,
  setLabel: done,
  getLabel: labels,
  listSession: FastCheck.record({
    sessions: FastCheck.array(
      FastCheck.record({ sessionId: filled, sessionStatus: text }, { requiredKeys: ["sessionId"] })
    ),
    nextToken: text,
    maxResults: FastCheck.nat(),
    total: FastCheck.nat()
  }, { requiredKeys: ["sessions"] }),
  getMcpResource: optional({
    sessionId: text,
    resourceUrl: text,
    desktopInfo: optional({
      appId: text,
      authCode: secret,
      connectionProperties: text,
      resourceId: text,
      resourceType: text,
      ticket: secret
    })
  }),
  getLink: FastCheck.record({ url: filled }),
  getCdpLink: FastCheck.record({ url: filled }),
  initBrowser: FastCheck.record({ port: FastCheck.integer() }),
  listContexts: FastCheck.record({
    contexts: FastCheck.array(context),
    nextToken: text,
    maxResults: FastCheck.nat(),
    total: FastCheck.nat()
  }, { requiredKeys: ["contexts"] }),
  getContext: context,
  modifyContext: done,
  deleteContext: done,
  clearContext: done,
  syncContext: done,
  getContextInfo: FastCheck.record({
    items: FastCheck.array(optional({
      contextId: text,
      path: text,
      errorMessage: text,
      status: text,
      startTime: FastCheck.nat(),
      finishTime: FastCheck.nat(),
      taskType: text
    }))
  }),
  getContextFileUploadUrl: fileUrl,
  getContextFileDownloadUrl: fileUrl,
  describeContextFiles: FastCheck.record({
    files: FastCheck.array(optional({
      fileId: text,
      fileName: text,
      filePath: text,
      fileType: text,
      gmtCreate: text,
      gmtModified: text,
      size: FastCheck.nat(),
      status: text
    })),
    total: FastCheck.nat()
  }, { requiredKeys: ["files"] }),
  deleteContextFile: done,
  getAndLoadInternalContext: FastCheck.array(optional({ contextId: text, contextType: text, contextPath: text })),
  listTools: FastCheck.array(
    FastCheck.record({ name: text, server: text, description: text, inputSchema: value, tool: text }, {
      requiredKeys: ["name"]
    })
  ),
  callTool: FastCheck.record({
    data: FastCheck.record({
      content: FastCheck.array(optional({ type: text, text, blob: text, data: value })),
      isError: FastCheck.boolean()
    })
  })
}

/** Every field, hidden ones too. */
const fieldsOf = (value: object): ReadonlyArray<readonly [string, unknown]> =>
  Object.getOwnPropertyNames(value)
    .map((name) => [name, (value as Record<string, unknown>)[name]] as const)
    .filter(([name]) => name !== "toJSON")

/** Secrets compare by what they hide. */
const revealed = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return { secret: Redacted.value(value) }
  if (Array.isArray(value)) return value.map(revealed)
  return typeof value === "object" && value !== null
    ? Object.fromEntries(fieldsOf(value).map(([key, inner]) => [key, revealed(inner)]))
    : value
}

const without = (name: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && name in value
    ? Object.fromEntries(fieldsOf(value).filter(([key]) => key !== name))
    : value

describe("client and server", () => {
  for (const name of names) {
    it.prop(`${name}: request and reply arrive`, [requestOf(name), replies[name]], ([request, reply]) => {
      const received: Array<unknown> = []
      const handlers = handlersOf((request) => {
        received.push(request)
        return reply
      })
      const call = Effect.runSync(clientOf(AgbServer.make(handlers)))
      const answered = Effect.runSync(call(name)(request))
      assert.deepStrictEqual(received, [request])
      assert.deepStrictEqual(revealed(without("requestId", answered)), revealed(without("requestId", reply)))
    }, { fastCheck: { numRuns: 50 } })
  }
})

describe("odd names", () => {
  const own = JSON.parse("{\"__proto__\":\"x\",\"a\":\"b\"}") as Record<string, string>

  it.effect("a label named __proto__ is refused by the client", () =>
    Effect.gen(function*() {
      const call = yield* clientOf(() => Effect.die("nothing is sent"))
      const exit = yield* Effect.exit(call("setLabel")({ sessionId: "s", labels: own }))
      assert.strictEqual(failureOf(exit)?._tag, "InvalidRequestError")
    }))

  it.effect("and by the server", () =>
    Effect.gen(function*() {
      const answer = AgbServer.make(handlersOf(() => assert.fail("it got through")))
      for (
        const labels of [JSON.stringify(own), "{\"a\":1}", "{\"\":\"x\"}", "{\"a\":\" \"}", "[]", "{}", "", "null"]
      ) {
        const query = new URLSearchParams({ sessionId: "s", Labels: labels })
        const { body, status } = yield* answer({ method: "POST", path: "/sdk/SetLabel", query, body: "" })
        assert.strictEqual(status, 400, labels)
        assert.include(body, "InvalidParameter")
      }
    }))

  it.effect("__proto__ among the arguments of a tool is a name like any other", () =>
    Effect.gen(function*() {
      const text = "{\"__proto__\":{\"command\":\"x\"}}"
      const received: Array<object> = []
      const answer = AgbServer.make(handlersOf((request) => {
        received.push((request as { readonly args: object }).args)
        return { data: { content: [], isError: false } }
      }))
      for (const args of [JSON.stringify(text), text]) {
        const body = `{"sessionId":"s","name":"shell","args":${args}}`
        yield* answer({ method: "POST", path: "/mcp", query: new URLSearchParams(), body })
      }
      assert.lengthOf(received, 2)
      for (const args of received) {
        assert.strictEqual(Object.getPrototypeOf(args), Object.prototype)
        assert.strictEqual(JSON.stringify(args), text)
      }
    }))

  it.effect("a reply cannot set the prototype of anything", () =>
    Effect.gen(function*() {
      const proto = "{\"__proto__\":{\"polluted\":true}}"
      const call = yield* clientOf(() =>
        Effect.succeed({
          status: 200,
          body: `{"success":true,"data":{"labels":${proto},"toolList":[${proto}],"url":"u"}}`
        })
      )
      for (const name of names) {
        const exit = yield* Effect.exit(call(name)({ sessionId: "s", imageId: "i", name: "n", args: {} }))
        const value: object = Exit.isSuccess(exit) && typeof exit.value === "object" ? exit.value ?? {} : {}
        assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
        assert.notProperty(value, "polluted")
      }
    }))

  it.effect("a tool list that cannot change is encoded once, another one each time", () =>
    Effect.gen(function*() {
      let reads = 0
      const tool = {
        get name() {
          reads++
          return `tool${reads}`
        }
      }
      let toolList: ReadonlyArray<{ readonly name: string }> = [tool]
      const answer = AgbServer.make(handlersOf(() => ({ sessionId: "s", toolList })))
      const create = answer({ method: "POST", path: "/mcp/createSession", query: new URLSearchParams(), body: "{}" })
      const listed = Effect.map(create, ({ body }): unknown => JSON.parse(body).data.toolList)
      assert.notStrictEqual(yield* listed, yield* listed)
      toolList = Object.freeze([Object.freeze(tool)])
      const first = yield* listed
      const before = reads
      assert.strictEqual(yield* listed, first)
      assert.strictEqual(reads, before)
    }))
})
