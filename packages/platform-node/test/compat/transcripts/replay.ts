/**
 * Sends recorded requests to a server, in their order, with the sessions, contexts and presigned addresses of that server
 * in place of the recorded ones. A session that the recording does not create is created as that client creates one.
 */
import * as Http from "node:http"
import type { Outcome, Reply } from "./check.js"
import { birthOf, type Exchange, type Folder, type Json, type RecordedRequest, type Texts } from "./recordings.js"

export type { Reply } from "./check.js"

export interface Server {
  readonly endpoint: string
  readonly apiKey: string
}

/** What a session is reached by. */
export interface Handles {
  readonly sessionId: string
  readonly linkUrl?: string
  readonly wsUrl?: string
  readonly token?: string
}

const bodyText = (body: RecordedRequest["body"], spaces: number): string | undefined =>
  body === null ? undefined : typeof body === "string" ? body : JSON.stringify(body, null, spaces)

const parsed = (text: string): Json => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return {}
  }
}

/** A plain request with exactly the given headers. */
const send = (url: string, { body, headers, method, query }: RecordedRequest, spaces: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const parameters = new URLSearchParams(query).toString()
    const target = parameters === "" ? url : `${url}?${parameters}`
    const outgoing = Http.request(target, { method, headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const contentType = response.headers["content-type"]
        resolve({ status: response.statusCode ?? 0, contentType, headers: response.headers, text, body: parsed(text) })
      })
    })
    outgoing.on("error", (cause) => reject(new Error(`${method} ${target}: ${cause.message}`, { cause })))
    outgoing.end(bodyText(body, spaces))
  })

const dataOf = (body: unknown): Json => ((body as Json | undefined)?.["data"] ?? {}) as Json

const sessionIdOf = ({ body, path, query }: RecordedRequest): string | undefined =>
  ((body as Json | null)?.["sessionId"] ?? query["sessionId"] ?? /^\/link\/([^/]+)/.exec(path)?.[1]) as
    | string
    | undefined

const withSession = (request: RecordedRequest, sessionId: string): RecordedRequest => ({
  ...request,
  ...((request.body as Json | null)?.["sessionId"] === undefined
    ? {}
    : { body: { ...request.body as Json, sessionId } }),
  ...(request.query["sessionId"] === undefined ? {} : { query: { ...request.query, sessionId } })
})

const withToken = (request: RecordedRequest, token: string): RecordedRequest => ({
  ...request,
  headers: { ...request.headers, "X-Access-Token": token },
  body: { ...request.body as Json, token }
})

const withKey = (request: RecordedRequest, key: string): RecordedRequest => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${key}` }
})

const isRelease = ({ operation }: Exchange): boolean => operation.startsWith("releaseSession")

const nextToken = (body: unknown): unknown => (body as Json | undefined)?.["nextToken"]

const isRefused = (outcome: Outcome): boolean => outcome === "not found" || outcome === "nothing there"

const patience = 200

const isPending = ({ operation }: Exchange, { body }: Reply): boolean => {
  if (operation === "GetContext") return dataOf(body)["state"] === "clearing"
  if (operation !== "GetContextInfo") return false
  const records = JSON.parse(String(dataOf(body)["contextStatus"] || "[]")) as ReadonlyArray<{ readonly data: string }>
  const items = records.flatMap(({ data }) => JSON.parse(data) as ReadonlyArray<{ readonly status: string }>)
  return items.some(({ status }) => status !== "Success" && status !== "Failed")
}

export interface Replayer {
  readonly replay: (exchange: Exchange, outcome: Outcome) => Promise<Reply>
  /** A request of our own, as the client sends them; recorded ids stand for those of the server. */
  readonly ask: (path: string, body: Json, query?: Texts) => Promise<Reply>
  /** Stores a file at the presigned address that stands for the recorded one. */
  readonly put: (recorded: string, content: string) => Promise<Reply>
  /** From now on the recorded session id means another session. */
  readonly remember: (recorded: string, session: Handles) => void
  /** The recorded id that stands for one of the server. */
  readonly recorded: (id: string) => string | undefined
  /** The session that stands for the recorded one. */
  readonly session: (recorded: string) => Promise<Handles>
  /** The text with what the recording says replaced by what this server says. */
  readonly inLocalWords: (text: string) => string
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** What of the recording stands for what of the server. */
const makeNames = () => {
  const names = new Map<string, string>()
  const pattern = () => new RegExp([...names.keys()].sort((a, b) => b.length - a.length).map(escaped).join("|"), "g")
  return {
    set: (recorded: unknown, local: unknown) => {
      if (typeof recorded === "string" && typeof local === "string") names.set(recorded, local)
    },
    get: (recorded: string) => names.get(recorded),
    delete: (recorded: string) => names.delete(recorded),
    recorded: (local: string) => [...names].find(([, name]) => name === local)?.[0],
    replace: (text: string) => names.size === 0 ? text : text.replace(pattern(), (name) => names.get(name) ?? name)
  }
}

export const make = (server: Server, folder: Folder, imageId = "agb-code-space-1"): Replayer => {
  const sessions = new Map<string, Handles>()
  const released = new Map<string, string>()
  const tokens = new Map<string, string>()
  const names = makeNames()
  const birth = birthOf(folder)
  const headers = withKey(birth, server.apiKey).headers
  const spaces = folder === "typescript" ? 0 : 1

  const ask: Replayer["ask"] = (path, body, query = {}) => {
    const { sessionId } = body
    const named = typeof sessionId === "string" ? { sessionId: sessions.get(sessionId)?.sessionId ?? sessionId } : {}
    return send(server.endpoint + path, { method: "POST", path, query, headers, body: { ...body, ...named } }, spaces)
  }

  const session: Replayer["session"] = async (recorded) => {
    const known = sessions.get(recorded)
    if (known !== undefined) return known
    const query = birth.query["sdkStats"] === undefined ? {} : { sdkStats: birth.query["sdkStats"] }
    const { body } = await ask(birth.path, {}, { ...query, imageId })
    const created = dataOf(body) as unknown as Handles
    sessions.set(recorded, created)
    return created
  }

  const context = async (recorded: string): Promise<void> => {
    if (names.get(recorded) !== undefined) return
    const path = "/sdk/GetContext"
    const query = { name: `made for ${recorded}`, allowCreate: "true" }
    const { body } = await send(server.endpoint + path, { method: "GET", path, query, headers, body: null }, spaces)
    names.set(recorded, dataOf(body)["id"])
  }

  const translate = async (request: RecordedRequest, outcome: Outcome): Promise<RecordedRequest> => {
    const wanted = outcome === "nothing there" ? [] : JSON.stringify(request).match(/SdkCtx-\w+/g) ?? []
    for (const recorded of new Set(wanted)) await context(recorded)
    const local = JSON.parse(names.replace(JSON.stringify(request))) as RecordedRequest
    const token = tokens.get(local.query["nextToken"] ?? "")
    const paged = token === undefined ? local : { ...local, query: { ...local.query, nextToken: token } }
    const sessionId = sessionIdOf(request)
    if (outcome === "unauthorized") return withKey(paged, "akm-another")
    if (sessionId === undefined) return paged
    // Who has released a session is told once that it has ended.
    const isStatus = request.path === "/mcp/getSessionInfo"
    const gone = isRefused(outcome) !== isStatus && released.get(sessionId)
    if (gone) return withSession(paged, gone)
    return withSession(paged, outcome === "not found" ? "s-nobody" : (await session(sessionId)).sessionId)
  }

  const sendLink = async ({ request }: Exchange, outcome: Outcome): Promise<Reply> => {
    const { linkUrl, token } = await session(sessionIdOf(request) ?? "")
    const local = JSON.parse(names.replace(JSON.stringify(request))) as RecordedRequest
    return send(
      `${linkUrl}/callTool`,
      withToken(local, outcome === "unauthorized" ? "t-another" : String(token)),
      spaces
    )
  }

  const sendPresigned = ({ request }: Exchange): Promise<Reply> => {
    const recorded = `http://agb.stub${request.path}?${new URLSearchParams(request.query)}`
    return send(names.get(recorded) ?? recorded, { ...request, query: {} }, spaces)
  }

  const sendOnce = async (exchange: Exchange, outcome: Outcome): Promise<Reply> => {
    if (exchange.operation.startsWith("linkUrl:")) return sendLink(exchange, outcome)
    if (exchange.operation.startsWith("presigned:")) return sendPresigned(exchange)
    const request = await translate(exchange.request, outcome)
    return send(server.endpoint + request.path, request, spaces)
  }

  /** As the clients do: again, until what was started is over. */
  const sendUntilOver = async (exchange: Exchange, outcome: Outcome): Promise<Reply> => {
    for (let turn = 0;; turn += 1) {
      const reply = await sendOnce(exchange, outcome)
      if (turn === patience || !isPending(exchange, reply)) return reply
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  const learnEnds = (exchange: Exchange) => {
    const { operation, request } = exchange
    const ended = sessionIdOf(request) ?? ""
    if (isRelease(exchange) && sessions.has(ended)) {
      released.set(ended, sessions.get(ended)?.sessionId ?? "")
      sessions.delete(ended)
    }
    if (operation === "DeleteContext") names.delete(request.query["id"] ?? "")
  }

  const learn = (exchange: Exchange, { body }: Reply) => {
    const { operation, response } = exchange
    const [theirs, ours] = [dataOf(response.body), dataOf(body)]
    if (operation === "createSession" && theirs["sessionId"]) {
      sessions.set(String(theirs["sessionId"]), ours as unknown as Handles)
    }
    if (operation === "GetContext") names.set(theirs["id"], ours["id"])
    if (operation === "GetAndLoadInternalContext") {
      const [first, own] = [theirs, ours].map((data) => (data as unknown as ReadonlyArray<Json>)[0] ?? {})
      names.set(first?.["contextId"], own?.["contextId"])
      names.set(first?.["contextPath"], own?.["contextPath"])
    }
    names.set(theirs["url"], ours["url"])
    if (nextToken(response.body)) tokens.set(String(nextToken(response.body)), String(nextToken(body)))
    learnEnds(exchange)
  }

  return {
    ask,
    session,
    inLocalWords: names.replace,
    put: (recorded, content) =>
      send(names.get(recorded) ?? recorded, { method: "PUT", path: "", query: {}, headers: {}, body: content }, spaces),
    remember: (recorded, handles) => sessions.set(recorded, handles),
    recorded: (id) => [...sessions].find(([, { sessionId }]) => sessionId === id)?.[0] ?? names.recorded(id),
    replay: async (exchange, outcome) => {
      const reply = await sendUntilOver(exchange, outcome)
      learn(exchange, reply)
      return reply
    }
  }
}
