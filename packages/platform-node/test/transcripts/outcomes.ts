/** How the local runtime answers what was recorded: as recorded, or for a reason in another way. */
import type { Exchange, Json } from "./recordings.js"
import type { Outcome } from "./shapes.js"

interface Deviation {
  readonly why: string
  readonly outcome: Outcome
  readonly applies: (exchange: Exchange) => boolean
}

const named = (...patterns: ReadonlyArray<RegExp>) => ({ id }: Exchange) => patterns.some((pattern) => pattern.test(id))

export const deviations: ReadonlyArray<Deviation> = [
  {
    why: "nothing inside a local session can be reached from outside",
    outcome: "refused",
    applies: named(/\/session\/getLink/)
  },
  {
    why: "the local runtime has no tool for metrics",
    outcome: "tool error",
    applies: ({ operation }) => operation === "mcp:get_metrics"
  },
  {
    why: "x is no tool: it stands for any in recordings of what an answer may look like",
    outcome: "tool error",
    applies: ({ operation }) => operation === "mcp:x"
  },
  {
    why: "a session is gone as soon as it is released",
    outcome: "not found",
    applies: ({ callId, operation }) => callId.startsWith("delete.") && operation === "getSessionInfo"
  },
  {
    why: "a command that ends with another code than 0 is no error of the tool",
    outcome: "success",
    applies: named(/\/command\/(exit127\.error|error\.plain|error)#/)
  },
  {
    why: "code that took too long is no error of the tool, so that its output survives",
    outcome: "success",
    applies: named(/^typescript\/code\/run\.timeout/)
  },
  {
    why: "a shell needs a command",
    outcome: "tool error",
    applies: named(/\/errors\/timeout\.read/)
  }
]

/** The languages that this machine may not have. */
export const languageOf = ({ operation, request }: Exchange): string | undefined => {
  if (operation !== "mcp:run_code") return undefined
  const { language } = JSON.parse(String(request.body?.["args"])) as { readonly language: string }
  return ["java", "r"].includes(language) ? language : undefined
}

export const recordedOutcome = ({ response }: Exchange): Outcome => {
  const body = (typeof response.body === "object" ? response.body : {}) as Json
  const data = body["data"] as Json | undefined | null
  if (response.status === 401) return "unauthorized"
  if (/Session\.NotFound$/.test(String(body["code"]))) return "not found"
  return data?.["isError"] === true ? "tool error" : "success"
}

export const deviationOf = (exchange: Exchange): Deviation | undefined =>
  deviations.find(({ applies }) => applies(exchange))
