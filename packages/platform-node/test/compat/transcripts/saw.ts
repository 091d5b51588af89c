/** Whether the client that was recorded tells its caller of a success, as it did and as it would do of our reply. */
import { linkResult, type Reply } from "./check.js"
import type { Exchange, Json } from "./recordings.js"

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null

const combined = (flags: ReadonlyArray<boolean | undefined>): boolean | undefined =>
  flags.every((flag) => flag === undefined) ? undefined : flags.every((flag) => flag !== false)

const flagOf = (saw: unknown): boolean | undefined => {
  if (typeof saw === "boolean") return saw
  if (Array.isArray(saw)) return combined(saw.map(flagOf))
  if (!isRecord(saw)) return undefined
  if ("$threw" in saw) return false
  const own = saw["success"] ?? saw["successful"]
  return typeof own === "boolean" ? own : combined(Object.values(saw).filter(isRecord).map(flagOf))
}

/** `undefined` before the last step of a call, and where it handed over a bare value. */
export const recordedFlag = ({ clientSaw }: Exchange): boolean | undefined => flagOf(clientSaw)

const textOf = (result: Json): string => (result["content"] as ReadonlyArray<{ readonly text: string }>)[0]?.text ?? ""

/** Later clients read the texts of code and commands; the first generation knows nothing but `isError`. */
const isToolSuccess = ({ folder, group }: Exchange, result: Json): boolean => {
  if (result["isError"] === true) return false
  if (folder === "python-v0.2.2") return true
  if (group === "command") return (JSON.parse(textOf(result)) as Json)["exit_code"] === 0
  if (group === "code") return (JSON.parse(textOf(result)) as Json)["executionError"] === null
  return true
}

const isOver = ({ code, data }: Json): boolean =>
  (data as Json | undefined)?.["status"] === "FINISH" || code === "InvalidMcpSession.NotFound"

export const flagHere = (exchange: Exchange, reply: Reply): boolean => {
  const { callId, operation } = exchange
  const { body, status } = reply
  const data = body["data"] as Json | undefined
  if (operation.startsWith("presigned:")) return status >= 200 && status < 300
  if (operation.startsWith("linkUrl:")) return status === 200 && isToolSuccess(exchange, linkResult(reply))
  if (operation === "getSessionInfo" && callId.startsWith("delete.")) return isOver(body)
  if (operation === "createSession") return data?.["sessionId"] !== undefined && data["success"] !== false
  const succeeded = status === 200 && body["success"] === true
  return succeeded && (!operation.startsWith("mcp:") || isToolSuccess(exchange, data ?? {}))
}
