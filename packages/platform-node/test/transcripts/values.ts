/** Answers that a real session must give like the recorded server, compared by what they mean. */
import type { Exchange, Json } from "./recordings.js"
import type { Reply } from "./shapes.js"

const same = [
  /\/labels\/(get|get\.none|get\.afterReplace)#/,
  /\/list\/list\.(default|labels|noMatch|page\d)#/,
  /\/code\/run\.(python|js\.alias|java|unicode|execError)#/,
  /^python-v0\.2\.2\/code\/run\.timeout#/,
  /\/command\/(ok|cwd\.envs|alias\.run)#/,
  /\/filesystem\/(list|list\.empty|list_directory|read|read\.bytes|read\.chunked|read_file|info\.\w+|get_file_info)#/,
  /\/filesystem\/(search|search\.none|search_files|read_multiple_files|change\.none)#/,
  /\/filesystem\/(readBatch|readBatch\.oneMissing)#/,
  /\/tools\/call#/
]

export const isSame = ({ id }: Exchange): boolean => same.some((pattern) => pattern.test(id))

const textOf = (body: Json): string => {
  const { content } = body["data"] as { readonly content: ReadonlyArray<{ readonly text: string }> }
  return content.map(({ text }) => text).join("\n")
}

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

export const meaning = (operation: string, body: unknown): unknown => {
  const reply = body as Reply["body"]
  if (!operation.startsWith("mcp:")) return endpoints[operation]?.(reply)
  return (tools[operation.slice(4)] ?? ((text) => text))(textOf(reply))
}
