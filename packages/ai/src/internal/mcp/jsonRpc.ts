/**
 * JSON-RPC 2.0 as clients of MCP speak it, for the protocols of `@effect/rpc`, whose own serialization knows only numbers as ids, breaks characters
 * that are split over chunks, and ends the connection on a line that is no JSON or a method that it does not know.
 */
import * as McpSchema from "@effect/ai/McpSchema"
import type { RpcMessage } from "@effect/rpc"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

type Id = string | number | null

interface RpcError {
  readonly code: number
  readonly message: string
}

interface Message {
  readonly id?: Id
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

/** A request that is under way, and the error that is its answer whatever comes. */
interface Pending {
  readonly id: Id
  readonly error?: RpcError
  /** Of a request for a resource. */
  readonly uri?: string
}

const parseError = { code: -32700, message: "Parse error: a message is one line of JSON" }
const invalidRequest = { code: -32600, message: "Invalid request: a message of JSON-RPC 2.0 was expected" }
const tooLong = { code: -32700, message: "Parse error: the message is too long" }

/** In characters; more than any file that a tool writes. */
const maxMessage = 32 * 2 ** 20

const isMessage = (value: unknown): value is Message => Predicate.isRecord(value)

const isKnown = (method: string): boolean =>
  McpSchema.ClientRpcs.requests.has(method) || McpSchema.ClientNotificationRpcs.requests.has(method)

/** Clients may leave out the arguments of a tool that needs none. */
const payloadOf = (method: string, params: unknown): unknown =>
  method === "tools/call" && Predicate.isRecord(params) && params.arguments === undefined
    ? { ...params, arguments: {} }
    : params

/** The server itself answers with a dump of its schemas, and as if it were broken. */
const invalidParams = (method: string, payload: unknown): string | undefined => {
  const schema: Schema.Schema.AnyNoContext | undefined = McpSchema.ClientRpcs.requests.get(method as "ping")
    ?.payloadSchema
  if (schema === undefined) return undefined
  return Either.match(Schema.decodeUnknownEither(schema)(payload), {
    onRight: () => undefined,
    onLeft: (error) => {
      const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
      const field = ["params", ...issue?.path ?? []].join(".")
      return `Invalid params: ${method}: ${field} ${issue?._tag === "Missing" ? "is missing" : "has another type"}`
    }
  })
}

const textOf = (defect: unknown): string =>
  typeof defect === "string"
    ? defect
    : Predicate.hasProperty(defect, "message")
    ? String(defect.message)
    : "Internal error"

type Failure = Extract<Schema.ExitEncoded<unknown, unknown, unknown>, { readonly _tag: "Failure" }>["cause"]

const errorOf = (cause: Failure): RpcError => {
  if (cause._tag === "Fail" && Predicate.isRecord(cause.error)) {
    const { code, message } = cause.error
    return { code: typeof code === "number" ? code : -32603, message: String(message) }
  }
  if (cause._tag === "Die") return { code: -32603, message: textOf(cause.defect) }
  return { code: -32603, message: "The call was interrupted" }
}

const resourceOf = (method: string, params: unknown) =>
  method === "resources/read" && Predicate.isRecord(params) ? { uri: String(params.uri).slice(0, 1000) } : {}

/** How the server answers for a resource that it does not know. */
const isNothing = (result: unknown): boolean =>
  Predicate.isRecord(result) && Array.isArray(result.contents) && result.contents.length === 0

/** The messages of one connection. */
class Connection {
  readonly #pending = new Map<string, Pending>()
  readonly #text = new TextDecoder()
  readonly #isFramed: boolean
  #buffer = ""
  #next = 1

  constructor(isFramed: boolean) {
    this.#isFramed = isFramed
  }

  decode(bytes: Uint8Array | string): ReadonlyArray<unknown> {
    const text = typeof bytes === "string" ? bytes : this.#text.decode(bytes, { stream: true })
    return this.#isFramed ? this.#lines(text).flatMap((line) => this.#parse(line)) : this.#parse(text)
  }

  #lines(text: string): ReadonlyArray<string> {
    const lines = text.split("\n")
    lines[0] = this.#buffer + lines[0]
    this.#buffer = lines.pop() ?? ""
    if (this.#buffer.length > maxMessage) this.#buffer = this.#buffer.slice(0, maxMessage + 1)
    return lines.filter((line) => line.trim() !== "")
  }

  #parse(text: string): ReadonlyArray<unknown> {
    if (text.length > maxMessage) return [this.#refuse(null, tooLong)]
    try {
      const parsed: unknown = JSON.parse(text)
      return (Array.isArray(parsed) ? parsed : [parsed]).map((message) => this.#receive(message))
    } catch {
      return [this.#refuse(null, parseError)]
    }
  }

  /** The server is asked for no more than a ping, and the answer to that becomes the error. */
  #refuse(id: Id, error: RpcError) {
    return this.#request("ping", {}, { id, error })
  }

  #request(tag: string, payload: unknown, pending: Pending | undefined) {
    const id = pending === undefined ? "" : String(this.#next++)
    if (pending !== undefined) this.#pending.set(id, pending)
    return { _tag: "Request", id, tag, payload, headers: [] }
  }

  #receive(message: unknown) {
    if (!isMessage(message)) return this.#refuse(null, invalidRequest)
    const { id, method, params } = message
    if (typeof method !== "string") return this.#reply(message)
    if (id === undefined || id === null) return this.#notified(method, params)
    if (!isKnown(method)) {
      return this.#refuse(id, { code: -32601, message: `Method not found: ${method.slice(0, 64)}` })
    }
    const payload = payloadOf(method, params)
    const invalid = invalidParams(method, payload)
    return invalid === undefined
      ? this.#request(method, payload, { id, ...resourceOf(method, params) })
      : this.#refuse(id, { code: -32602, message: invalid })
  }

  /** The server knows a request by another id than its client. What nobody knows is no more than a sign of life. */
  #notified(method: string, params: unknown) {
    if (!isKnown(method)) return { _tag: "Ping" }
    if (method !== "notifications/cancelled" || !Predicate.isRecord(params)) {
      return this.#request(method, params, undefined)
    }
    const own = [...this.#pending].find(([, { id }]) => id === params.requestId)?.[0]
    return this.#request(method, { ...params, requestId: own ?? "0" }, undefined)
  }

  #reply({ error, id, result }: Message) {
    if (id === undefined || id === null) return this.#refuse(null, invalidRequest)
    return {
      _tag: "Exit",
      requestId: String(id),
      exit: error === undefined
        ? { _tag: "Success", value: result }
        : { _tag: "Failure", cause: { _tag: "Fail", error } }
    }
  }

  encode(response: unknown): string | undefined {
    const messages = (Array.isArray(response) ? response : [response])
      .flatMap((message: RpcMessage.FromServerEncoded | RpcMessage.FromClientEncoded) => this.#send(message))
    if (this.#isFramed) return messages.length === 0 ? undefined : messages.map((text) => `${text}\n`).join("")
    return messages.length > 1 ? `[${messages.join(",")}]` : messages[0] ?? ""
  }

  #send(message: RpcMessage.FromServerEncoded | RpcMessage.FromClientEncoded): ReadonlyArray<string> {
    const write = (fields: object) => [JSON.stringify({ jsonrpc: "2.0", ...fields })]
    if (message._tag === "Request") {
      const id = message.id === undefined || message.id === "" ? {} : { id: Number(message.id) }
      return write({ ...id, method: message.tag, params: message.payload })
    }
    if (message._tag === "Defect") return write({ id: null, error: { code: -32603, message: textOf(message.defect) } })
    if (message._tag !== "Exit") return []
    const pending = this.#pending.get(message.requestId)
    if (pending === undefined) return []
    this.#pending.delete(message.requestId)
    const { exit } = message
    if (pending.error !== undefined) return write({ id: pending.id, error: pending.error })
    if (exit._tag === "Failure") return write({ id: pending.id, error: errorOf(exit.cause) })
    return pending.uri !== undefined && isNothing(exit.value)
      ? write({ id: pending.id, error: { code: -32002, message: `Resource not found: ${pending.uri}` } })
      : write({ id: pending.id, result: exit.value })
  }
}

const make = (isFramed: boolean) =>
  Layer.succeed(
    RpcSerialization.RpcSerialization,
    RpcSerialization.RpcSerialization.of({
      contentType: "application/json",
      includesFraming: isFramed,
      unsafeMake: () => {
        const connection = new Connection(isFramed)
        return { decode: (bytes) => connection.decode(bytes), encode: (response) => connection.encode(response) }
      }
    })
  )

/** One message a line. */
export const layerLines = make(true)

/** One message a request. */
export const layerRequests = make(false)
