/** How the local runtime answers what was recorded: as recorded, or for a reason in another way. */
import type { Outcome } from "./check.js"
import type { Exchange, Json } from "./recordings.js"

interface Deviation {
  readonly why: string
  readonly outcome: Outcome
  readonly applies: (exchange: Exchange) => boolean
}

const named = (...patterns: ReadonlyArray<RegExp>) => ({ id }: Exchange) => patterns.some((pattern) => pattern.test(id))

export const deviations: ReadonlyArray<Deviation> = [
  {
    why: "only the ports from 30100 to 30199 have links",
    outcome: "refused",
    applies: named(/^python-v0\.2\.2\/session\/getLink\.args#/)
  },
  {
    why: "the local runtime has no browser",
    outcome: "refused",
    applies: ({ operation }) => operation === "init" || operation === "getCdpLink"
  },
  {
    why: "the local runtime has no browser and no desktop: their tools say so",
    outcome: "tool error",
    applies: ({ group, operation }) => group === "computer" || /^mcp:(page_use_|stopChrome)/.test(operation)
  },
  {
    why: "x is no tool: it stands for any in recordings of what an answer may look like",
    outcome: "tool error",
    applies: ({ operation }) => operation === "mcp:x"
  },
  {
    why: "a session is gone as soon as it is released: the first status is FINISH, and then it is not found",
    outcome: "not found",
    applies: named(/\/session\/delete\.((finish|notfound)#3|pollError#)/)
  },
  {
    why: "a command that ends with another code than 0 is no error of the tool",
    outcome: "success",
    applies: named(/^(typescript|python)\/command\/(exit127\.error|error\.plain|error)#/, /\/linkurl\/isError#/)
  },
  {
    why: "code that took too long is no error of the tool, so that its output survives",
    outcome: "success",
    applies: named(/^typescript\/code\/run\.timeout/)
  },
  {
    why: "the recorded token was given by no list",
    outcome: "refused",
    applies: named(/\/context\/list\.page#/)
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
  const { language } = JSON.parse(String((request.body as Json)["args"])) as { readonly language: string }
  return ["java", "r"].includes(language) ? language : undefined
}

const resultIn = (data: unknown): Json | undefined | null => {
  const parsed = typeof data === "string" && data.startsWith("{") ? JSON.parse(data) as Json : data as Json | undefined
  return parsed?.["result"] as Json | undefined ?? parsed
}

export const recordedOutcome = ({ response }: Exchange): Outcome => {
  const body = (typeof response.body === "object" ? response.body : {}) as Json
  const data = resultIn(body["data"])
  if (response.status === 401) return "unauthorized"
  if (/^(Invalid)?Context(File)?\.NotFound$/.test(String(body["code"]))) return "nothing there"
  if (/Session\.NotFound$/.test(String(body["code"]))) return "not found"
  return data?.["isError"] === true ? "tool error" : "success"
}

export const deviationOf = (exchange: Exchange): Deviation | undefined =>
  deviations.find(({ applies }) => applies(exchange))

interface Staged {
  readonly why: string
  readonly applies: (exchange: Exchange) => boolean
}

/** Where the recorded server was told what to answer, so that its reply says nothing about ours. */
export const staged: ReadonlyArray<Staged> = [
  {
    why: "bodies and statuses that no server in order answers with: broken, cut, empty, late, of a gateway",
    applies: named(
      /\/errors\/(200\.|201\.|429|500\.|502\.|badJson\.|empty\.|headerRequestId|reset|timeout\.)/,
      /\/linkurl\/(noData|dataNumber|noResult|http500|badJson|reset)#/,
      /\/(labels\/(get\.badJson|set\.error)|list\/list\.error|tools\/listTools\.\w+Json)#/,
      /\/session\/(info\.noData|getLink\.noUrl|metrics\.\w+)#/,
      /\/context\/info\.(bad|empty)#/
    )
  },
  {
    why: "other shapes that clients can read: the documented one is answered",
    applies: named(
      /\/code\/run\.(legacy|nested|noContent)/,
      /\/linkurl\/(data\.object|content\.\w+|outerSuccessFalse)#/,
      /\/session\/(create\.link\.toolListArray|status\.capital|delete\.\w+(Caps|Body))#/,
      /\/(context\/info\.filter|tools\/listTools\.arrayData)#/
    )
  },
  {
    why: "code and commands that stand for others: they are no programs",
    applies: named(/\/code\/run\.rich#/, /^(typescript|python)\/command\/(plain|number)#/)
  },
  {
    why: "resources that were said to be missing or never ready",
    applies: named(/\/session\/create\.(dataSuccessFalse|badImage|failed)/, /\/context\/clear\.timeout#/)
  },
  {
    why: "a session of a code image, which has no link here, was said to have one",
    applies: named(/\/session\/get\.link#/)
  },
  {
    why: "a failure that the client makes out of a good answer",
    applies: named(/\/list\/list\.page9#/, /\/filesystem\/read\.dir#/)
  },
  {
    why: "v0.2.2 took a refusal without data for a success; ours carries isError, so that it is none",
    applies: named(/^python-v0\.2\.2\/errors\/404\.tool#/)
  }
]

export const stagedOf = (exchange: Exchange): Staged | undefined => staged.find(({ applies }) => applies(exchange))

/** The first generation reads texts, so that the recorded server, which answered it with JSON, is no measure. */
export const isFirstGeneration = ({ folder }: Exchange): boolean => folder === "python-v0.2.2"
