/** Checks a reply against what is documented for its operation and outcome. */
import { assert } from "@effect/vitest"
import type { IncomingHttpHeaders } from "node:http"
import { fields, filled, isText, json, list } from "./fields.js"
import type { Exchange, Json } from "./recordings.js"
import { endpoints, tools } from "./shapes.js"

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly contentType: string | undefined
  readonly text: string
  /** Parsed; empty when it is no JSON. */
  readonly body: Json
}

/** `not found` is said of a session, `nothing there` of a context or a file in it. */
export type Outcome = "success" | "tool error" | "not found" | "nothing there" | "unauthorized" | "refused"

const resultText = (result: Json): string => {
  const { content, isError } = result
  assert.isBoolean(isError, "isError")
  assert.lengthOf(list(content, "content"), 1)
  const { text, type } = fields(list(content, "content")[0], "content")
  assert.strictEqual(type, "text")
  return isText(text, "text")
}

const toolText = ({ body }: Reply): string => resultText(fields(body["data"], "data"))

/** What the link route says of a tool. */
export const linkResult = ({ body }: Reply): Json =>
  fields(fields(json(body["data"], "data"), "data")["result"], "result")

/** The first generation reads no structure: to it these are texts. */
const isPlain = ({ folder, operation }: Exchange): boolean =>
  folder === "python-v0.2.2" && /^mcp:(run_code|shell)$/.test(operation)

const isStructure = (text: string): boolean => {
  try {
    return typeof JSON.parse(text) === "object"
  } catch {
    return false
  }
}

const toolName = ({ operation }: Exchange): string => operation.replace(/^\w+:/, "")

const tool = (exchange: Exchange, text: string) =>
  isPlain(exchange) ? assert.isFalse(isStructure(text), "a plain text") : tools[toolName(exchange)]?.(text)

const succeeded = (reply: Reply) => {
  const { code, httpStatusCode, message, success } = reply.body
  assert.deepStrictEqual({ code, httpStatusCode, message, success, status: reply.status }, {
    code: "ok",
    httpStatusCode: 200,
    message: null,
    success: true,
    status: 200
  })
}

const success = (exchange: Exchange, reply: Reply) => {
  succeeded(reply)
  const { operation } = exchange
  if (operation.startsWith("mcp:")) {
    assert.strictEqual(fields(reply.body["data"], "data")["isError"], false)
    return tool(exchange, toolText(reply))
  }
  const shape = endpoints[operation] ?? assert.fail(`${operation} has no shape`)
  shape(reply.body["data"], reply.body)
}

const statuses: Readonly<Record<Exclude<Outcome, "success" | "tool error">, ReadonlyArray<number>>> = {
  "not found": [404],
  "nothing there": [400, 404],
  unauthorized: [401],
  refused: [400]
}

const failure = ({ operation }: Exchange, outcome: keyof typeof statuses, reply: Reply) => {
  const { code, httpStatusCode, message, success } = reply.body
  assert.strictEqual(success, false)
  assert.include(statuses[outcome], reply.status)
  assert.strictEqual(httpStatusCode, reply.status)
  filled(code, "code")
  filled(message, "message")
  if (outcome === "not found") assert.match(isText(code, "code"), /Session\.NotFound$/)
  if (outcome === "nothing there") assert.match(isText(code, "code"), /NotFound/)
  if (!operation.startsWith("mcp:")) return
  assert.strictEqual(toolText(reply), message)
  assert.strictEqual(fields(reply.body["data"], "data")["isError"], true)
}

const checkApi = (exchange: Exchange, outcome: Outcome, reply: Reply) => {
  assert.match(reply.contentType ?? "", /^application\/json/)
  filled(reply.body["requestId"], "requestId")
  if (outcome === "success") return success(exchange, reply)
  if (outcome !== "tool error") return failure(exchange, outcome, reply)
  succeeded(reply)
  filled(toolText(reply), "text")
  assert.strictEqual(fields(reply.body["data"], "data")["isError"], true)
}

/** Beside the result, whose first piece of content is all that is read, clients look at the status alone. */
const checkLink = (exchange: Exchange, outcome: Outcome, reply: Reply) => {
  assert.match(reply.contentType ?? "", /^application\/json/)
  if (outcome === "unauthorized") return assert.strictEqual(reply.status, 401)
  assert.strictEqual(reply.status, 200)
  const { requestId } = exchange.request.body as Json
  assert.strictEqual(reply.body["requestId"], requestId)
  const text = resultText(linkResult(reply))
  assert.strictEqual(linkResult(reply)["isError"], outcome === "tool error")
  if (outcome === "success") tool(exchange, text)
  else filled(text, "text")
}

const checkPresigned = ({ request, response }: Exchange, reply: Reply) => {
  assert.strictEqual(reply.status, 200)
  if (request.method === "GET") assert.strictEqual(reply.text, response.body)
  else filled(reply.headers.etag, "ETag")
}

const checkReply = (exchange: Exchange, outcome: Outcome, reply: Reply) => {
  const { operation } = exchange
  if (operation.startsWith("linkUrl:")) return checkLink(exchange, outcome, reply)
  return operation.startsWith("presigned:") ? checkPresigned(exchange, reply) : checkApi(exchange, outcome, reply)
}

/** Checks a reply against what is documented for an outcome. */
export const check = (exchange: Exchange, outcome: Outcome, reply: Reply): void => {
  try {
    checkReply(exchange, outcome, reply)
  } catch (cause) {
    throw new Error(`${exchange.id}: ${String(cause)}: ${reply.text.slice(0, 1000)}`, { cause })
  }
}
