// The wire as a foreign client speaks it: JSON over undici with keep-alive, and what the server says about its own time.
import { Agent, type Dispatcher, request } from "undici"

export interface Reply {
  readonly status: number
  readonly body: Envelope
  /** What the client waited, in milliseconds. */
  readonly millis: number
  /** The server's own clock, where it sends one: all of the request, and the part that it waited for the sandbox. */
  readonly timing: { readonly total: number; readonly sandbox: number } | undefined
}

export interface Envelope {
  readonly success?: boolean
  readonly code?: string
  readonly message?: string | null
  readonly data?: unknown
}

export interface Wire {
  readonly post: (path: string, body?: unknown) => Promise<Reply>
  readonly get: (path: string) => Promise<Reply>
  readonly callTool: (sessionId: string, name: string, args: unknown) => Promise<Reply>
  readonly close: () => Promise<void>
}

const timingOf = (header: string | Array<string> | undefined): Reply["timing"] => {
  const duration = (name: string) => new RegExp(`(?:^|,)\\s*${name};dur=([\\d.]+)`).exec(String(header))?.[1]
  const total = duration("total")
  return total === undefined ? undefined : { total: Number(total), sandbox: Number(duration("sandbox") ?? 0) }
}

export const connect = ({ apiKey, endpoint }: { readonly apiKey: string; readonly endpoint: string }): Wire => {
  const dispatcher = new Agent({ pipelining: 1, connections: 256, keepAliveTimeout: 10_000 })
  const send = async (method: Dispatcher.HttpMethod, path: string, body: string | null): Promise<Reply> => {
    const start = performance.now()
    const reply = await request(endpoint + path, {
      dispatcher,
      method,
      body,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      headersTimeout: 60_000
    })
    const envelope = await reply.body.json() as Envelope
    const timing = timingOf(reply.headers["server-timing"])
    return { status: reply.statusCode, body: envelope, millis: performance.now() - start, timing }
  }
  const post: Wire["post"] = (path, body = {}) => send("POST", path, JSON.stringify(body))
  return {
    post,
    get: (path) => send("GET", path, null),
    callTool: (sessionId, name, args) =>
      post("/mcp?autoGenSession=false", { sessionId, name, args: JSON.stringify(args) }),
    close: () => dispatcher.close()
  }
}

const failure = ({ body, status }: Reply): Error => new Error(`${status} ${body.code ?? ""} ${body.message ?? ""}`)

/** The data of a reply that is a success by the rules of the wire. */
export const succeeded = (reply: Reply): unknown => {
  if (reply.status !== 200 || reply.body.success !== true) throw failure(reply)
  return reply.body.data
}

/** The text of a tool's result. */
export const toolText = (reply: Reply): string => {
  const { content, isError } = succeeded(reply) as { isError: boolean; content: ReadonlyArray<{ text?: string }> }
  const text = content.map((item) => item.text ?? "").join("\n")
  if (isError) throw new Error(text)
  return text
}

export const createSession = async (wire: Wire): Promise<{ readonly sessionId: string; readonly reply: Reply }> => {
  const reply = await wire.post("/mcp/createSession?imageId=bench")
  const { errMsg, sessionId } = (reply.body.data ?? {}) as { sessionId?: string; errMsg?: string }
  if (sessionId === undefined) throw new Error(errMsg ?? failure(reply).message)
  return { sessionId, reply }
}

/** Releases a session, waits until the server says that it is gone, and answers the reply to the release. */
export const deleteSession = async (wire: Wire, sessionId: string): Promise<Reply> => {
  const released = await wire.post("/mcp/releaseSessionAsync", { sessionId })
  succeeded(released)
  for (;;) {
    const reply = await wire.post("/mcp/getSessionInfo", { sessionId })
    if (reply.body.code === "InvalidMcpSession.NotFound") return released
    if ((succeeded(reply) as { status: string }).status === "FINISH") return released
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
