/** A client that is none of ours: plain requests to a local runtime, and WebSockets. */
import { LocalAgb } from "@effect-agb/platform-node"
import { Effect, Redacted } from "effect"
import WebSocket from "ws"

export interface Envelope {
  readonly code: string
  readonly success: boolean
  readonly message: string
  readonly requestId: string
  readonly httpStatusCode: number
  readonly data: unknown
}

export interface WireReply {
  readonly status: number
  readonly headers: Headers
  readonly json: Envelope
}

export interface WireSession {
  readonly sessionId: string
  readonly token: string
  readonly linkUrl: string
  readonly wsUrl: string
}

export interface Wire {
  readonly port: number
  readonly endpoint: string
  readonly apiKey: string
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Effect.Effect<WireReply>
  readonly createSession: Effect.Effect<WireSession>
  readonly callTool: (session: WireSession, name: string, args: object) => Effect.Effect<WireReply>
  readonly release: (session: WireSession) => Effect.Effect<WireReply>
}

const request = (url: string, init: RequestInit): Effect.Effect<WireReply> =>
  Effect.promise(async (signal) => {
    const reply = await fetch(url, { ...init, signal })
    return { status: reply.status, headers: reply.headers, json: await reply.json() as Envelope }
  })

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}): Effect.Effect<WireReply> =>
  request(url, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

export const sessionOf = ({ json }: WireReply): WireSession => json.data as WireSession

export const wireTo = (endpoint: string, apiKey: string): Wire => {
  const post: Wire["post"] = (path, body, headers) =>
    postJson(`${endpoint}${path}`, body, { authorization: `Bearer ${apiKey}`, ...headers })
  return {
    port: Number(new URL(endpoint).port),
    endpoint,
    apiKey,
    post,
    createSession: Effect.map(post("/mcp/createSession?imageId=agb-browser-use-1", {}), sessionOf),
    callTool: ({ sessionId }, name, args) =>
      post("/mcp?autoGenSession=false", { sessionId, name, args: JSON.stringify(args) }),
    release: ({ sessionId }) => post("/mcp/releaseSession", { sessionId })
  }
}

/** To the runtime of the layer. */
export const wire = Effect.map(
  LocalAgb.LocalAgb,
  ({ apiKey, endpoint }) => wireTo(endpoint, Redacted.value(apiKey))
)

export interface ToolAnswer {
  readonly isError: boolean
  readonly text: string
  /** The text read as JSON. */
  readonly value: Readonly<Record<string, unknown>>
}

/** What a tool answered, over either route. */
export const toolAnswer = ({ json: { data } }: WireReply): ToolAnswer => {
  const { content, isError } = typeof data === "string" ? JSON.parse(data).result : data
  const [{ text }] = content
  return {
    isError,
    text,
    get value() {
      return JSON.parse(text)
    }
  }
}

export interface FrameData {
  readonly method?: string
  readonly mode?: string
  readonly phase?: string
  readonly seq?: number
  readonly eventType?: string
  readonly chunk?: string
  readonly result?: { readonly mime: Readonly<Record<string, unknown>>; readonly isMainResult: boolean }
  readonly status?: string
  readonly executionCount?: number
  readonly executionTime?: number
  readonly executionError?: string | null
  readonly code?: string
  readonly error?: string
}

export interface Frame {
  readonly invocationId?: string
  readonly source: string
  readonly target?: string
  readonly data: FrameData
}

export interface Talk {
  readonly socket: WebSocket
  readonly frames: ReadonlyArray<Frame>
  readonly send: (frame: unknown) => void
  /** Waits until the frames are as wanted. */
  readonly until: (isThere: (frames: ReadonlyArray<Frame>) => boolean) => Effect.Effect<ReadonlyArray<Frame>>
  /** All that is said about one call, up to its end or error. */
  readonly call: (id: string, params: object, data?: object) => Effect.Effect<ReadonlyArray<FrameData>>
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
}

export const isLast = ({ phase }: { readonly phase?: string }): boolean => phase === "end" || phase === "error"

export const start = (invocationId: string, params: object, data: object = {}) => ({
  invocationId,
  source: "SDK",
  target: "wuying_codespace",
  data: { method: "run_code", mode: "stream", params, ...data }
})

const talkOn = (socket: WebSocket): Talk => {
  const frames: Array<Frame> = []
  const waiting = new Set<() => void>()
  let end: { code: number; reason: string } | undefined
  const changed = () => {
    for (const check of [...waiting]) check()
  }
  socket.on("message", (text) => {
    frames.push(JSON.parse(String(text)))
    changed()
  })
  socket.on("close", (code, reason) => {
    end = { code, reason: reason.toString() }
    changed()
  })
  const when = <A>(value: () => A | undefined): Effect.Effect<A> =>
    Effect.async((resume) => {
      const check = () => {
        const found = value()
        if (found === undefined) return
        waiting.delete(check)
        resume(Effect.succeed(found))
      }
      waiting.add(check)
      check()
      return Effect.sync(() => waiting.delete(check))
    })
  const send = (frame: unknown) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
  const about = (id: string) => frames.filter(({ invocationId }) => invocationId === id).map(({ data }) => data)
  return {
    socket,
    frames,
    send,
    until: (isThere) => when(() => isThere(frames) ? [...frames] : undefined),
    call: (id, params, data) =>
      Effect.suspend(() => {
        send(start(id, params, data))
        return when(() => about(id).some(isLast) ? about(id) : undefined)
      }),
    closed: when(() => end)
  }
}

/** An open WebSocket, ended with the scope. */
export const talk = (url: string, headers: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.async<Talk, Error>((resume) => {
      const socket = new WebSocket(url, { headers })
      const talk = talkOn(socket)
      socket.once("open", () => resume(Effect.succeed(talk)))
      socket.on("error", (error) => resume(Effect.fail(error)))
    }),
    ({ socket }) => Effect.sync(() => socket.terminate())
  )

export const talkTo = ({ token, wsUrl }: WireSession) => Effect.orDie(talk(wsUrl, { "X-Access-Token": token }))

/** How a handshake was refused. */
export const refusedHandshake = (url: string, headers: Record<string, string> = {}) =>
  Effect.async<{ readonly status: number; readonly json: Envelope | undefined }>((resume) => {
    const socket = new WebSocket(url, { headers })
    socket.on("error", () => {})
    socket.once("open", () => {
      socket.terminate()
      resume(Effect.succeed({ status: 101, json: undefined }))
    })
    socket.once("unexpected-response", (_request, response) => {
      let text = ""
      response.on("data", (chunk: Buffer) => text += chunk.toString())
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, json: JSON.parse(text) })))
    })
  })
