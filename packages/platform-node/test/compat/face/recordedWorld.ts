/** Programs that were recorded with the official SDK, run with the compatible face against the recorded replies. */
import { AGB as Core } from "@effect-agb/core/AgbPromise"
import * as Compat from "@effect-agb/platform-node/compat"
import { HttpClient, type HttpClientRequest } from "@effect/platform"
import { Effect, Layer } from "effect"
import { makeClient, type MemoryReply } from "../../support/memoryHttp.js"
import { type Exchange, exchangesOf, type Json, unsentOf } from "../transcripts/recordings.js"

/** One call of the official SDK. */
export interface RecordedCall {
  /** `<group>/<callId>` */
  readonly id: string
  readonly call: string
  readonly exchanges: ReadonlyArray<Exchange>
  readonly saw: unknown
}

const groups = ["session", "list", "labels", "code", "command", "filesystem", "tools", "context", "errors", "linkurl"]

type Described = { readonly call: string }

export const recordedCalls: ReadonlyArray<RecordedCall> = (() => {
  const all = [...exchangesOf("typescript"), ...unsentOf("typescript")].filter(({ group }) => groups.includes(group))
  const byId = new Map<string, Array<typeof all[number]>>()
  for (const record of all) {
    const id = `${record.group}/${record.callId}`
    byId.set(id, [...byId.get(id) ?? [], record])
  }
  return [...byId].map(([id, records]) => ({
    id,
    call: (records[0] as unknown as Described).call,
    exchanges: records.filter((record): record is Exchange => "request" in record && Boolean(record.request)),
    saw: records.at(-1)?.clientSaw
  }))
})()

const envelope = (fields: Json): MemoryReply => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ requestId: "stand-in", success: true, code: "ok", message: null, ...fields })
})

const textOf = (body: unknown): string =>
  typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body)

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): Json =>
  body._tag === "Uint8Array" && body.body.length > 0 ? JSON.parse(new TextDecoder().decode(body.body)) as Json : {}

/** The recorded client read text, and this one reads bytes: the same file in base64. */
const inBase64 = ({ response }: Exchange): MemoryReply => {
  const { data } = response.body as { readonly data: { readonly content: ReadonlyArray<{ readonly text: string }> } }
  const text = data.content.map(({ text }) => Buffer.from(text).toString("base64")).join("")
  return envelope({ data: { content: [{ type: "text", text }], isError: false } })
}

/** A request in comparable form: without what every request has, JSON texts as their values, no body as an empty one. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly query: Json
  readonly body: Json
}

const meaningOf = (fields: Json): Json =>
  Object.fromEntries(
    Object.entries(fields).filter(([name]) => name !== "sdkStats").map(([name, value]) => [
      name,
      typeof value === "string" && /^[[{]/.test(value) ? JSON.parse(value) as unknown : value
    ])
  )

export const recordedRequests = ({ exchanges }: RecordedCall): ReadonlyArray<Sent> =>
  exchanges.map(({ request: { body, method, path, query } }) => ({
    method,
    path,
    query: meaningOf(query),
    body: meaningOf((body ?? {}) as Json)
  }))

export interface World {
  readonly agb: Compat.AGB
  readonly session: Compat.Session
  readonly sent: ReadonlyArray<Sent>
  readonly dispose: () => Promise<void>
}

const replyOf = (exchange: Exchange, request: HttpClientRequest.HttpClientRequest): MemoryReply | undefined => {
  const { response } = exchange
  if (response.status === null) return undefined
  const args = bodyOf(request)["args"]
  const asked = typeof args === "string" ? JSON.parse(args) as Json : {}
  const recordedArgs = String((exchange.request.body as Json | null)?.["args"] ?? "{}")
  if (asked["format"] === "binary" && !recordedArgs.includes("binary")) return inBase64(exchange)
  const { contentType = "application/json", headers = {} } = response as unknown as {
    readonly contentType?: string
    readonly headers?: Record<string, string>
  }
  return {
    status: response.status,
    headers: { "content-type": contentType, ...headers },
    body: textOf(response.body)
  }
}

/** The id of the session that the recorded requests are about. */
const sessionIdOf = ({ exchanges }: RecordedCall): string => {
  const ids = exchanges.map(({ request }) => (request.body as Json | null)?.["sessionId"] ?? request.query["sessionId"])
  return String(ids.find((id) => id !== undefined) ?? "s-recorded")
}

const link = (call: RecordedCall): Json =>
  call.id.startsWith("linkurl/")
    ? {
      linkUrl: String(call.exchanges[0]?.request.path === undefined ? "" : "http://localhost:9/link"),
      token: "tok",
      toolList: ["shell", "run_code", "read_file", "write_file", "get_file_info", "get_metrics"].map((name) => ({
        name,
        server: "server"
      }))
    }
    : {}

/** Replies in their order. What repeats the request before is answered like it, and searches find nothing. */
export const worldOf = async (call: RecordedCall): Promise<World> => {
  const sent: Array<Sent> = []
  let isBegun = false
  let answered = 0
  const answer = (request: HttpClientRequest.HttpClientRequest, url: URL): MemoryReply | undefined => {
    if (!isBegun) return envelope({ data: { sessionId: sessionIdOf(call), status: "FINISH", ...link(call) } })
    sent.push({
      method: request.method,
      path: url.pathname,
      query: meaningOf(Object.fromEntries(url.searchParams)),
      body: meaningOf(bodyOf(request))
    })
    const next = call.exchanges[answered]
    if (next !== undefined) {
      answered += 1
      return replyOf(next, request)
    }
    const last = call.exchanges[answered - 1]
    return last !== undefined && last.request.path === url.pathname
      ? replyOf(last, request)
      : envelope({ data: [], nextToken: "", count: 0 })
  }
  const client = makeClient((request, url) => Effect.sync(() => answer(request, url)))
  const core = new Core({
    apiKey: "akm-key",
    endpoint: "http://localhost:9",
    httpClient: Layer.succeed(HttpClient.HttpClient, client)
  })
  const agb = new Compat.AGB(core)
  const { session } = await agb.create({ imageId: "agb-code-space-1" })
  if (!session) throw new Error("no session")
  isBegun = true
  const dispose = () => {
    isBegun = false
    return core.dispose()
  }
  return { agb, session, sent, dispose }
}

/** Runs the text of a recorded call. */
export const runText = async (text: string, { agb, session }: World): Promise<unknown> => {
  const known = { id: "SdkCtx-stub000001", imageId: "agb-code-space-1", sessionId: session.sessionId }
  const scope = { agb, session, ...known, ...Compat }
  const program = new Function(...Object.keys(scope), `"use strict"; return (async () => (${text}))()`)
  return program(...Object.values(scope)) as Promise<unknown>
}

const sessionFields = [
  ...["sessionId", "resourceUrl", "imageId", "appInstanceId", "resourceId", "linkUrl", "wsUrl", "token", "toolList"],
  "mcpTools"
] as const

/** What a caller sees, in the words of the recording. Fields that are not enumerable are seen as well. */
export const view = (value: unknown): unknown => {
  if (value instanceof Compat.Session) {
    const session = value as unknown as Json
    return { $session: Object.fromEntries(sessionFields.map((name) => [name, session[name]])) }
  }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") }
  if (Array.isArray(value)) return value.map(view)
  if (typeof value !== "object" || value === null) return value
  const names = Object.getOwnPropertyNames(value).filter((name) => name !== "cause" && name !== "toJSON")
  return Object.fromEntries(names.map((name) => [name, view((value as Json)[name])]))
}

export const thrown = (error: unknown): unknown =>
  error instanceof Error ? { $threw: { name: error.name, message: error.message } } : { $threw: error }
