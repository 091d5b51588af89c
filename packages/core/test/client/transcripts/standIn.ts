/// <reference types="node" />
/** A server that answers from a recording and remembers what it was asked. */
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect } from "effect"
import type { Json, RecordedExchange, RecordedResponse } from "./recordings.js"

export interface Sent {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Parsed; `null` when there was none. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export interface StandIn {
  readonly client: HttpClient.HttpClient
  readonly sent: ReadonlyArray<Sent>
  /** How many recorded replies have been given. */
  readonly answered: () => number
  /** Until it is called every request is answered as one for a session that exists, and forgotten. */
  readonly begin: Effect.Effect<void>
  /** From now on nobody listens. */
  readonly vanish: Effect.Effect<void>
}

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): unknown =>
  body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(body.body)) : null

const envelope = (fields: Json): RecordedResponse => ({
  status: 200,
  body: { requestId: "stand-in", success: true, code: "ok", message: null, httpStatusCode: 200, ...fields }
})

const contentOf = ({ body }: RecordedResponse): ReadonlyArray<{ readonly text: string }> =>
  ((body as Json)["data"] as { readonly content: ReadonlyArray<{ readonly text: string }> }).content

/** The recording reads text and we read bytes: the same file, in base64. */
const inBase64 = (response: RecordedResponse): RecordedResponse => {
  const text = contentOf(response).map(({ text }) => Buffer.from(text).toString("base64")).join("")
  return envelope({ data: { content: [{ type: "text", text }], isError: false } })
}

const argsOf = (body: unknown): Json => {
  const args = typeof body === "object" && body !== null && "args" in body ? body.args : "{}"
  return JSON.parse(String(args)) as Json
}

const adapted = ({ request, response }: RecordedExchange, sent: Sent): RecordedResponse => {
  const format = argsOf(sent.body)["format"]
  return response === undefined
    ? envelope({})
    : format === "binary" && argsOf(request?.body)["format"] === undefined
    ? inBase64(response)
    : response
}

const textOf = ({ body }: RecordedResponse): string => typeof body === "string" ? body : JSON.stringify(body)

const transportError = (request: HttpClientRequest.HttpClientRequest, code: string) =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause: Object.assign(new Error(code), { code }) })

const reply = (request: HttpClientRequest.HttpClientRequest, response: RecordedResponse) => {
  if (response.status === null) return Effect.fail(transportError(request, "ECONNRESET"))
  const text = textOf(response)
  const headers = {
    "content-type": response.contentType ?? "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...response.headers
  }
  const web = new Response(text, { status: response.status, headers })
  return Effect.delay(Effect.succeed(HttpClientResponse.fromWeb(request, web)), response.delayMs ?? 0)
}

/**
 * Gives the recorded replies in their order. A request that repeats the one before is answered like it, and a search
 * for what a doubtful create left behind finds nothing.
 */
export const make = (exchanges: ReadonlyArray<RecordedExchange>): StandIn => {
  const sent: Array<Sent> = []
  let state: "before" | "listening" | "gone" = "before"
  let answered = 0

  const answer = (request: Sent): RecordedResponse => {
    if (state === "before") return envelope({ data: request.body })
    sent.push(request)
    const next = exchanges[answered]
    if (next !== undefined) {
      answered += 1
      return adapted(next, request)
    }
    const last = exchanges[answered - 1]
    return request.path === last?.request?.path
      ? adapted(last, request)
      : envelope({ data: [], nextToken: "", count: 0 })
  }

  const client = HttpClient.make((request, url) => {
    const { headers, method } = request
    const query = Object.fromEntries(url.searchParams)
    return Effect.suspend(() =>
      state === "gone"
        ? Effect.fail(transportError(request, "ECONNREFUSED"))
        : reply(request, answer({ method, path: url.pathname, query, body: bodyOf(request), headers }))
    )
  })
  const become = (next: typeof state) =>
    Effect.sync(() => {
      state = next
    })
  return { client, sent, answered: () => answered, begin: become("listening"), vanish: become("gone") }
}
