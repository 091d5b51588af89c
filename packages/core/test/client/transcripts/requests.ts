/// <reference types="node" />
/** Whether our requests ask for the same as the recorded ones, and where they differ on purpose. */
import { isDeepStrictEqual } from "node:util"
import type { Json, RecordedCall, RecordedRequest } from "./recordings.js"
import { isOurs } from "./recordings.js"
import type { Sent } from "./standIn.js"

interface Wire {
  readonly method: string
  readonly path: string
  readonly query: Json
  readonly body: Json | null
}

interface Deviation {
  readonly why: string
  /** The recorded request as we send it, or `undefined` where the deviation has no place. */
  readonly apply: (recorded: Wire, sent: Wire) => Wire | undefined
}

/** A JSON text as what it means. It stays different from the same value as no text. */
class JsonText {
  readonly value: unknown
  constructor(text: string) {
    this.value = JSON.parse(text)
  }
}

/** The fields that are JSON text on the wire, which the official SDKs write with and without spaces. */
const jsonTexts = new Set(["sdkStats", "labels", "Labels", "args"])

const meaning = (fields: unknown): unknown =>
  typeof fields === "object" && fields !== null
    ? Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        jsonTexts.has(name) && typeof value === "string" ? new JsonText(value) : value
      ])
    )
    : fields

const toWire = ({ body, method, path, query }: RecordedRequest | Sent): Wire => ({
  method,
  path,
  query: meaning(query) as Json,
  body: meaning(body) as Json | null
})

const without = (record: Json, name: string): Json =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))

const field = (record: Json | null, name: string): Json => {
  const value = record?.[name] ?? {}
  return (value instanceof JsonText ? value.value : value) as Json
}

const asText = (value: Json): JsonText => new JsonText(JSON.stringify(value))

const isCreate = ({ path }: Wire): boolean => path === "/mcp/createSession"

const isReadFile = ({ body }: Wire): boolean => body?.["name"] === "read_file"

/** A file that is not whole yet. */
const isPart = (path: unknown): boolean => typeof path === "string" && /\/\.agb-part-[\w-]+$/.test(path)

const withArgs = (wire: Wire, args: Json): Wire => ({ ...wire, body: { ...wire.body, args: asText(args) } })

export const deviations: Readonly<Record<string, Deviation>> = {
  "no statistics": {
    why: "sdkStats says which SDK calls; servers ignore it and v0.2.2 sent none",
    apply: (recorded) =>
      "sdkStats" in recorded.query ? { ...recorded, query: without(recorded.query, "sdkStats") } : undefined
  },
  "a label for each attempt": {
    why: "a create whose outcome is unknown is found again by it, and so is a session whose program has ended",
    apply: (recorded, sent) => {
      const { "effect-agb-attempt": attempt, "effect-agb-lifetime": lifetime } = field(sent.body, "labels")
      if (!isCreate(recorded) || typeof attempt !== "string" || lifetime !== "detached") return undefined
      const own = { "effect-agb-attempt": attempt, "effect-agb-lifetime": lifetime }
      const labels = asText({ ...field(recorded.body, "labels"), ...own })
      return { ...recorded, body: { ...recorded.body, labels } }
    }
  },
  "always an idle timeout": {
    why: "a session whose client was killed must end; ours are kept alive, and end after 5 minutes without",
    apply: (recorded, sent) =>
      isCreate(recorded) && recorded.body?.["timeout"] === undefined && sent.body?.["timeout"] === 300
        ? { ...recorded, body: { ...recorded.body, timeout: 300 } }
        : undefined
  },
  "no contexts": {
    why: "persistent contexts came after the SDK that this one follows",
    apply: (recorded) =>
      recorded.body !== null && "persistenceDataList" in recorded.body
        ? { ...recorded, body: without(recorded.body, "persistenceDataList") }
        : undefined
  },
  "never an automatic session": {
    why: "v0.2.2 did not send autoGenSession, later SDKs send false",
    apply: (recorded) =>
      recorded.path === "/mcp" && recorded.query["autoGenSession"] === undefined
        ? { ...recorded, query: { ...recorded.query, autoGenSession: "false" } }
        : undefined
  },
  "an empty record as empty body": {
    why: "the TypeScript SDK sends no body at all where everything is in the query, the Python SDK sends {} as we do",
    apply: (recorded) => recorded.method === "POST" && recorded.body === null ? { ...recorded, body: {} } : undefined
  },
  "text read as bytes": {
    why: "a piece of text may end inside a character, so bytes are read and decoded once",
    apply: (recorded) => {
      const args = field(recorded.body, "args")
      return isReadFile(recorded) && args["format"] === undefined
        ? withArgs(recorded, { ...args, format: "binary" })
        : undefined
    }
  },
  "the offset zero": {
    why: "v0.2.2 left it out, later SDKs send it",
    apply: (recorded) => {
      const args = field(recorded.body, "args")
      return isReadFile(recorded) && args["offset"] === undefined
        ? withArgs(recorded, { ...args, offset: 0 })
        : undefined
    }
  },
  "a name of its own until it is whole": {
    why: "a file that is written in pieces is moved into place when all are there",
    apply: (recorded, sent) => {
      const { path } = field(sent.body, "args")
      return recorded.body?.["name"] === "write_file" && isPart(path)
        ? withArgs(recorded, { ...field(recorded.body, "args"), path })
        : undefined
    }
  },
  "larger pages": {
    why: "Agb.list walks all pages, fifty sessions at a time",
    apply: (recorded, sent) =>
      recorded.path === "/sdk/ListSession" && sent.query["maxResults"] === "50"
        ? { ...recorded, query: { ...recorded.query, maxResults: "50" } }
        : undefined
  }
}

/** Requests that the official SDKs do not make at all, or that we do not make. */
export const otherTraffic = {
  "moved into place": "a file that was written in pieces under a name of its own",
  repeated: "what is safe to repeat is repeated when the server fails; the official SDKs never repeat",
  "search for a doubtful create": "a create without an answer is looked for by its label",
  "status after a refused release": "only the status tells whether the refused session is gone",
  "refused before sending": "arguments that no server accepts are refused before anything is sent"
}

export interface Compared {
  /** Names of the deviations that were needed. */
  readonly needed: ReadonlyArray<string>
  /** The recorded requests as we are expected to send them. */
  readonly expected: ReadonlyArray<Wire>
  readonly sent: ReadonlyArray<Wire>
}

const adapt = (recorded: Wire, sent: Wire) => {
  const needed: Array<string> = []
  let expected = recorded
  for (const [name, { apply }] of Object.entries(deviations)) {
    const changed = apply(expected, sent)
    if (changed === undefined || isDeepStrictEqual(changed, expected)) continue
    needed.push(name)
    expected = changed
  }
  return { needed, expected }
}

const isSearch = ({ path, query }: Wire): boolean =>
  path === "/sdk/ListSession" && "effect-agb-attempt" in field(query, "labels")

const isStatusOf = ({ body, path }: Wire, release: Wire): boolean =>
  path === "/mcp/getSessionInfo" && release.path === "/mcp/releaseSessionAsync" && isDeepStrictEqual(body, release.body)

const withoutLabels = (wire: Wire): Wire =>
  isCreate(wire) ? { ...wire, body: without(wire.body ?? {}, "labels") } : wire

const extra = (sent: Wire, last: Wire): ReadonlyArray<string> => {
  if (sent.body?.["name"] === "move_file" && isPart(field(sent.body, "args")["source"])) return ["moved into place"]
  if (isSearch(sent)) return ["search for a doubtful create"]
  if (isStatusOf(sent, last)) return ["status after a refused release"]
  return isDeepStrictEqual(withoutLabels(sent), withoutLabels(last)) ? ["repeated"] : []
}

/** Compares all that was sent for one call with what was recorded. */
export const compare = ({ exchanges }: RecordedCall, requests: ReadonlyArray<Sent>): Compared => {
  const recorded = exchanges.filter(isOurs).flatMap(({ request }) => request === undefined ? [] : [toWire(request)])
  const sent = requests.map(toWire)
  const pairs = recorded.slice(0, sent.length).map((wire, index) => adapt(wire, sent[index] as Wire))
  const explained = sent.slice(recorded.length).map((wire) => ({
    wire,
    why: extra(wire, sent[recorded.length - 1] as Wire)
  }))
  const missing = sent.length === 0 && recorded.length > 0
  return {
    needed: [
      ...pairs.flatMap(({ needed }) => needed),
      ...explained.flatMap(({ why }) => why),
      ...(missing ? ["refused before sending"] : [])
    ],
    expected: missing ? [] : [
      ...pairs.map(({ expected }) => expected),
      ...recorded.slice(sent.length)
    ],
    sent: sent.filter((_, index) => index < recorded.length || explained[index - recorded.length]?.why.length === 0)
  }
}
