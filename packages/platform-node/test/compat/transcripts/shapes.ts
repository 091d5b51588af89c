/** What a reply must look like, written down from the description of the wire and not from our own schemas. */
import { assert } from "@effect/vitest"
import { contextShapes } from "./contextShapes.js"
import { fields, filled, isText, json, list, nothing } from "./fields.js"
import type { Json } from "./recordings.js"

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

/** Of replies to endpoints: their data and the envelope around it. */
export const endpoints: Readonly<Record<string, (data: unknown, envelope: Json) => void>> = {
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
  getLink: (data) => {
    assert.match(filled(fields(data, "data")["url"], "url"), /^(http|ws)s?:\/\//)
  },
  ListSession: sessions,
  listTools: (data) => {
    for (const tool of list(json(data, "data"), "tools")) {
      const { description, inputSchema, name, server } = fields(tool, "tool")
      for (const [field, value] of Object.entries({ name, description, server })) filled(value, field)
      fields(inputSchema, "inputSchema")
    }
  },
  ...contextShapes
}

const texts = (value: unknown, what: string) => list(value, what).forEach((text) => isText(text, what))

const metrics = [
  ...["cpu_count", "cpu_used_pct", "disk_total", "disk_used", "mem_total", "mem_used"],
  ...["rx_rate_kbyte_per_s", "tx_rate_kbyte_per_s", "rx_used_kbyte", "tx_used_kbyte"]
]

const infoKeys = ["name", "path", "size", "isDirectory", "modTime", "mode", "owner", "group", "modified"]

/** Of the texts that tools answer with. */
export const tools: Readonly<Record<string, (text: string) => void>> = {
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
    assert.match(text, /^modTime: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$[^]*^modified: \1$/m)
  },
  list_directory: (text) => assert.match(text, /^(\[(DIR|FILE)\] [^\n]+(\n|$))*$/),
  search_files: (text) => assert.match(text, /^(No matches found|(\/[^\n]+(\n|$))+)$/),
  read_multiple_files: (text) => assert.match(text, /^\/[^\n:]+:/),
  get_metrics: (text) => {
    const { timestamp, ...numbers } = fields(JSON.parse(text), "metrics")
    filled(timestamp, "timestamp")
    for (const name of metrics) assert.isNumber(numbers[name], name)
  },
  get_file_change: (text) => {
    for (const event of list(JSON.parse(text), "changes")) {
      const { eventType, path, pathType } = fields(event, "event")
      assert.oneOf(eventType, ["create", "modify", "delete"])
      assert.match(isText(path, "path"), /^\//)
      assert.oneOf(pathType, ["file", "directory"])
    }
  }
}
