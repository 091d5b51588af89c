/** What a reply must look like, written down from the description of the wire and not from our own schemas. */
import { assert } from "@effect/vitest"
import type { Json } from "./recordings.js"

export interface Reply {
  readonly status: number
  readonly contentType: string | undefined
  readonly body: Json
}

export type Outcome = "success" | "tool error" | "not found" | "unauthorized" | "refused"

const isText = (value: unknown, what: string): string => {
  assert.isString(value, what)
  return value as string
}

const filled = (value: unknown, what: string) => assert.isNotEmpty(isText(value, what), what)

const fields = (value: unknown, what: string): Json => {
  assert.isTrue(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is an object`)
  return value as Json
}

const list = (value: unknown, what: string): ReadonlyArray<unknown> => {
  assert.isArray(value, what)
  return value as ReadonlyArray<unknown>
}

const json = (value: unknown, what: string): unknown => JSON.parse(isText(value, what))

const session = (data: unknown) => {
  const { appInstanceId, resourceId, resourceUrl, sessionId, toolList } = fields(data, "data")
  for (const [name, value] of Object.entries({ sessionId, appInstanceId, resourceId })) filled(value, name)
  assert.include(isText(resourceUrl, "resourceUrl"), "resourceId=")
  for (const tool of list(json(toolList, "toolList"), "toolList")) {
    filled(fields(tool, "tool")["name"], "name")
    filled(fields(tool, "tool")["server"], "server")
  }
}

const sessions = (data: unknown, { count, maxResults, nextToken }: Json) => {
  for (const entry of list(data, "data")) {
    filled(fields(entry, "session")["sessionId"], "sessionId")
    filled(fields(entry, "session")["sessionStatus"], "sessionStatus")
  }
  isText(nextToken, "nextToken")
  assert.isNumber(maxResults)
  assert.isNumber(count)
}

const nothing = (data: unknown) => assert.isUndefined(data, "data")

const endpoints: Readonly<Record<string, (data: unknown, envelope: Json) => void>> = {
  createSession: session,
  getSession: (data) => {
    session(data)
    filled(fields(data, "data")["status"], "status")
  },
  getSessionInfo: (data) => filled(fields(data, "data")["status"], "status"),
  releaseSession: nothing,
  releaseSessionAsync: nothing,
  refreshSessionIdleTime: nothing,
  SetLabel: nothing,
  GetLabel: (data) => {
    fields(json(fields(data, "data")["labels"], "labels"), "labels")
  },
  getMcpResource: (data) => {
    filled(fields(data, "data")["sessionId"], "sessionId")
    filled(fields(data, "data")["resourceUrl"], "resourceUrl")
  },
  ListSession: sessions,
  listTools: (data) => {
    for (const tool of list(json(data, "data"), "tools")) {
      const { description, inputSchema, name, server } = fields(tool, "tool")
      for (const [field, value] of Object.entries({ name, description, server })) filled(value, field)
      fields(inputSchema, "inputSchema")
    }
  }
}

const texts = (value: unknown, what: string) => list(value, what).forEach((text) => isText(text, what))

const infoKeys = ["name", "path", "size", "isDirectory", "modTime", "mode", "owner", "group"]

const tools: Readonly<Record<string, (text: string) => void>> = {
  run_code: (text) => {
    const { executionError, execution_time: time, result, stderr, stdout } = fields(JSON.parse(text), "result of a run")
    for (const item of list(result, "result")) fields(item, "item")
    texts(stdout, "stdout")
    texts(stderr, "stderr")
    assert.isTrue(executionError === null || typeof executionError === "string", "executionError")
    assert.isNumber(time)
  },
  shell: (text) => {
    const { exit_code: exitCode, stderr, stdout } = fields(JSON.parse(text), "result of a command")
    isText(stdout, "stdout")
    isText(stderr, "stderr")
    assert.isTrue(Number.isInteger(exitCode), "exit_code")
  },
  get_file_info: (text) => {
    assert.deepStrictEqual(text.split("\n").map((line) => line.split(": ")[0]), infoKeys)
    assert.match(text, /^size: \d+$/m)
    assert.match(text, /^isDirectory: (true|false)$/m)
    assert.match(text, /^modTime: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m)
  },
  list_directory: (text) => assert.match(text, /^(\[(DIR|FILE)\] [^\n]+(\n|$))*$/),
  search_files: (text) => assert.match(text, /^(No matches found|(\/[^\n]+(\n|$))+)$/),
  read_multiple_files: (text) => assert.match(text, /^\/[^\n:]+:/),
  get_file_change: (text) => {
    for (const event of list(JSON.parse(text), "changes")) {
      const { eventType, path, pathType } = fields(event, "event")
      assert.oneOf(eventType, ["create", "modify", "delete"])
      assert.match(isText(path, "path"), /^\//)
      assert.oneOf(pathType, ["file", "directory"])
    }
  }
}

/** The text of a tool's answer. */
export const toolText = ({ body }: Reply): string => {
  const { content, isError } = fields(body["data"], "data")
  assert.isBoolean(isError, "isError")
  assert.lengthOf(list(content, "content"), 1)
  const { text, type } = fields(list(content, "content")[0], "content")
  assert.strictEqual(type, "text")
  return isText(text, "text")
}

const success = (operation: string, reply: Reply) => {
  const { code, data, httpStatusCode, message, success } = reply.body
  assert.deepStrictEqual({ code, httpStatusCode, message, success, status: reply.status }, {
    code: "ok",
    httpStatusCode: 200,
    message: null,
    success: true,
    status: 200
  })
  if (operation.startsWith("mcp:")) tools[operation.slice(4)]?.(toolText(reply))
  else (endpoints[operation] ?? assert.fail(`${operation} has no shape`))(data, reply.body)
}

const statuses: Readonly<Record<Exclude<Outcome, "success" | "tool error">, number>> = {
  "not found": 404,
  unauthorized: 401,
  refused: 400
}

const failure = (operation: string, outcome: keyof typeof statuses, reply: Reply) => {
  const { code, httpStatusCode, message, success } = reply.body
  assert.strictEqual(success, false)
  assert.strictEqual(reply.status, statuses[outcome])
  assert.strictEqual(httpStatusCode, reply.status)
  filled(code, "code")
  filled(message, "message")
  if (outcome === "not found") assert.match(isText(code, "code"), /Session\.NotFound$/)
  if (!operation.startsWith("mcp:")) return
  assert.strictEqual(toolText(reply), message)
  assert.strictEqual(fields(reply.body["data"], "data")["isError"], true)
}

const checkReply = (operation: string, outcome: Outcome, reply: Reply): void => {
  assert.match(reply.contentType ?? "", /^application\/json/)
  filled(reply.body["requestId"], "requestId")
  if (outcome === "success") {
    success(operation, reply)
    if (operation.startsWith("mcp:")) assert.strictEqual(fields(reply.body["data"], "data")["isError"], false)
  } else if (outcome === "tool error") {
    success("mcp:", reply)
    filled(toolText(reply), "text")
    assert.strictEqual(fields(reply.body["data"], "data")["isError"], true)
  } else failure(operation, outcome, reply)
}

/** Checks a reply to an operation against what is documented for an outcome. */
export const check = (operation: string, outcome: Outcome, reply: Reply, id: string): void => {
  try {
    checkReply(operation, outcome, reply)
  } catch (cause) {
    throw new Error(`${id}: ${String(cause)}: ${JSON.stringify(reply).slice(0, 1000)}`, { cause })
  }
}
