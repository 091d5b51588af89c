/** Sends recorded requests to a server, in their order, with the ids of its own sessions in place of the recorded ones. */
import * as Http from "node:http"
import type { Exchange, Json, RecordedRequest } from "./recordings.js"
import type { Outcome, Reply } from "./shapes.js"

export interface Server {
  readonly endpoint: string
  readonly apiKey: string
  /** Where the recorded `/tmp` is. */
  readonly directory: string
}

const bodyText = ({ body }: RecordedRequest, spaces: number): string | undefined =>
  body === null ? undefined : JSON.stringify(body, null, spaces)

/** A plain request with exactly the given headers. */
const send = (server: Server, request: RecordedRequest, spaces: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const query = new URLSearchParams(request.query).toString()
    const url = `${server.endpoint}${request.path}${query === "" ? "" : `?${query}`}`
    const outgoing = Http.request(url, { method: request.method, headers: request.headers }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers["content-type"],
          body: JSON.parse(Buffer.concat(chunks).toString()) as Json
        }))
    })
    outgoing.on("error", reject)
    outgoing.end(bodyText(request, spaces))
  })

const sessionIdOf = ({ body, query }: RecordedRequest): string | undefined =>
  (body?.["sessionId"] ?? query["sessionId"]) as string | undefined

const withSession = (request: RecordedRequest, sessionId: string): RecordedRequest => ({
  ...request,
  ...(request.body?.["sessionId"] === undefined ? {} : { body: { ...request.body, sessionId } }),
  ...(request.query["sessionId"] === undefined ? {} : { query: { ...request.query, sessionId } })
})

const withKey = (request: RecordedRequest, key: string): RecordedRequest => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${key}` }
})

const isRelease = ({ operation }: Exchange): boolean => operation.startsWith("releaseSession")

const nextToken = (body: unknown): unknown => (body as Json | undefined)?.["nextToken"]

export interface Replayer {
  readonly replay: (exchange: Exchange, outcome: Outcome) => Promise<Reply>
  /** A request of our own; a recorded session id stands for the one of the server. */
  readonly ask: (path: string, body: Json, query?: Readonly<Record<string, string>>) => Promise<Reply>
  /** From now on the recorded session id means another session. */
  readonly remember: (recorded: string, sessionId: string) => void
  /** The recorded session id that stands for one of the server. */
  readonly recorded: (sessionId: string) => string | undefined
}

export const make = (server: Server): Replayer => {
  const ids = new Map<string, string>()
  const released = new Map<string, string>()
  const tokens = new Map<string, string>()
  const headers = { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" }

  const ask: Replayer["ask"] = (path, body, query = {}) =>
    send(server, { method: "POST", path, query, headers, body: { ...body, ...idOf(body) } }, 0)

  const idOf = ({ sessionId }: Json): Json =>
    typeof sessionId === "string" ? { sessionId: ids.get(sessionId) ?? sessionId } : {}

  const live = async (recorded: string): Promise<string> => {
    const known = ids.get(recorded)
    if (known !== undefined) return known
    const { body } = await ask("/mcp/createSession", {}, { imageId: "agb-code-space-1" })
    const sessionId = String((body["data"] as Json)["sessionId"])
    ids.set(recorded, sessionId)
    return sessionId
  }

  const gone = (recorded: string): string => released.get(recorded) ?? "s-nobody"

  const inDirectory = (request: RecordedRequest): RecordedRequest =>
    JSON.parse(JSON.stringify(request).replaceAll("/tmp", server.directory))

  const translate = async (request: RecordedRequest, outcome: Outcome): Promise<RecordedRequest> => {
    const local = inDirectory(request)
    const sessionId = sessionIdOf(request)
    const named = sessionId === undefined || outcome === "unauthorized"
      ? local
      : withSession(local, outcome === "not found" ? gone(sessionId) : await live(sessionId))
    const token = tokens.get(named.query["nextToken"] ?? "")
    const paged = token === undefined ? named : { ...named, query: { ...named.query, nextToken: token } }
    return outcome === "unauthorized" ? withKey(paged, "akm-another") : paged
  }

  const learn = (exchange: Exchange, { body }: Reply) => {
    const { operation, request, response } = exchange
    const recorded = response.body as { readonly data?: { readonly sessionId?: string } } | undefined
    if (operation === "createSession" && recorded?.data?.sessionId !== undefined) {
      ids.set(recorded.data.sessionId, String((body["data"] as Json | undefined)?.["sessionId"]))
    }
    const ended = sessionIdOf(request) ?? ""
    if (isRelease(exchange) && ids.has(ended)) {
      released.set(ended, ids.get(ended) ?? "")
      ids.delete(ended)
    }
    if (nextToken(response.body)) tokens.set(String(nextToken(response.body)), String(nextToken(body)))
  }

  return {
    ask,
    remember: (recorded, sessionId) => ids.set(recorded, sessionId),
    recorded: (sessionId) => [...ids].find(([, id]) => id === sessionId)?.[0],
    replay: async (exchange, outcome) => {
      const request = await translate(exchange.request, outcome)
      const reply = await send(server, request, exchange.folder === "typescript" ? 0 : 1)
      learn(exchange, reply)
      return reply
    }
  }
}
