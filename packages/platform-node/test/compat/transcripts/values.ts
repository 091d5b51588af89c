/** Answers that a real session must give like the recorded server, compared by what they mean. */
import type { Reply } from "./check.js"
import type { Exchange, Json } from "./recordings.js"

/** Of the first generation, the output alone is compared: it has no structure. */
const same = [
  /\/labels\/(get|get\.none|get\.afterReplace)#/,
  /\/list\/list\.(default|labels|noMatch|page\d)#/,
  /\/code\/run\.(python|js\.alias|java|unicode|execError|plainText)#/,
  /^python-v0\.2\.2\/code\/run\.timeout#/,
  /\/command\/(ok|cwd\.envs|alias\.run)#/,
  /^python-v0\.2\.2\/command\/plain#/,
  /\/filesystem\/(list|list\.empty|list_directory|read|read\.bytes|read\.chunked|read_file|info\.\w+|get_file_info)#/,
  /\/filesystem\/(search|search\.none|search_files|read_multiple_files|change\.none)#/,
  /\/filesystem\/(readBatch|readBatch\.oneMissing)#/,
  /\/tools\/call#/,
  /\/linkurl\/(shell|run_code)#/,
  /\/linkurl\/fs#[23]/
]

export const isSame = ({ id }: Exchange): boolean => same.some((pattern) => pattern.test(id))

interface Result {
  readonly content: ReadonlyArray<{ readonly text: string }>
}

/** Over the link route the result stands in a JSON text. */
const resultOf = (data: unknown): Result =>
  typeof data === "string" ? (JSON.parse(data) as { readonly result: Result }).result : data as Result

const textOf = (body: Json): string => resultOf(body["data"]).content.map(({ text }) => text).join("\n")

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "").sort()

const joined = (value: unknown): string => (value as ReadonlyArray<string>).join("")

const tools: Readonly<Record<string, (text: string) => unknown>> = {
  run_code: (text) => {
    const { executionError, stdout } = JSON.parse(text) as Json
    return { executionError, stdout: joined(stdout) }
  },
  shell: (text) => {
    const { exit_code, stderr, stdout } = JSON.parse(text) as Json
    return { exit_code, stderr, stdout }
  },
  get_file_info: (text) => {
    const read = lines(text).filter((line) => /^(name|path|isDirectory)/.test(line))
    return text.includes("isDirectory: true")
      ? read
      : [...read, ...lines(text).filter((line) => line.startsWith("size"))]
  },
  /** Of large contents only the length was recorded. */
  read_file: (text) => /^(.)\1*$/.test(text) ? text.length : text,
  list_directory: lines,
  search_files: lines,
  read_multiple_files: (text) =>
    text.replace(/Error - .*/, "Error").replace(/:\s+/g, ": ").replace(/\n+/g, "\n").trim(),
  get_file_change: (text) => JSON.parse(text)
}

const endpoints: Readonly<Record<string, (body: Json) => unknown>> = {
  GetLabel: ({ data }) => JSON.parse((data as { readonly labels: string }).labels),
  ListSession: ({ count, data, maxResults, nextToken }) => ({
    sessionIds: (data as ReadonlyArray<{ readonly sessionId: string }>).map(({ sessionId }) => sessionId),
    isLast: nextToken === "",
    maxResults,
    count
  })
}

const outputOf = (text: string): string => {
  if (!text.startsWith("{")) return text
  const { stdout } = JSON.parse(text) as Json
  return typeof stdout === "string" ? stdout : joined(stdout)
}

const isTool = /^(mcp|linkUrl):/

export const meaning = ({ folder, operation }: Exchange, body: unknown): unknown => {
  const reply = body as Reply["body"]
  if (!isTool.test(operation)) return endpoints[operation]?.(reply)
  const name = operation.replace(isTool, "")
  if (folder === "python-v0.2.2" && /^(run_code|shell)$/.test(name)) return outputOf(textOf(reply))
  return (tools[name] ?? ((text) => text))(textOf(reply))
}
