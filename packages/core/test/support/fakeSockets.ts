/** A server in memory: sessions that have a WebSocket and a link, whose frames are those of the test. */
import { Agb, AgbConfig, Transport } from "@effect-agb/core"
import { Effect, Layer } from "effect"

/** One WebSocket, seen from the server. */
export class FakeSocket {
  readonly request: Transport.SocketRequest
  readonly listener: Transport.SocketListener
  readonly sent: Array<string> = []
  isPaused = false
  isClosed = false
  isReferenced = true
  pings = 0
  received = 0
  answersPings = true

  constructor(request: Transport.SocketRequest, listener: Transport.SocketListener) {
    this.request = request
    this.listener = listener
  }

  /** The calls that were started on it. */
  get calls(): ReadonlyArray<Frame> {
    return this.frames.filter(({ data }) => data?.method === "run_code")
  }

  get frames(): ReadonlyArray<Frame> {
    return this.sent.map((text) => JSON.parse(text))
  }

  /** Sends data about a call, or any text. */
  emit(data: unknown, call: number = 0): void {
    this.say(JSON.stringify({
      invocationId: this.calls[call]?.invocationId,
      source: "wuying_codespace",
      target: "SDK",
      data
    }))
  }

  say(text: string): void {
    this.received += text.length
    this.listener.onMessage(text)
  }

  /** The connection is lost. */
  cut(code = "1006"): void {
    this.listener.onClose(new Transport.SocketError({ reason: "Closed", code }))
  }

  toSocket(canPause: boolean): Transport.Socket {
    return {
      send: (text) => void this.sent.push(text),
      close: () => {
        this.isClosed = true
      },
      received: () => this.received,
      ping: () => {
        this.pings += 1
        if (this.answersPings) this.received += 2
      },
      ...(canPause
        ? {
          setPaused: (isPaused: boolean) => {
            this.isPaused = isPaused
          }
        }
        : {}),
      setReferenced: (isReferenced) => {
        this.isReferenced = isReferenced
      }
    }
  }
}

interface Frame {
  readonly invocationId: string
  readonly source: string
  readonly target: string
  readonly data: Data
}

interface Data {
  readonly method?: string
  readonly mode?: string
  readonly params?: { readonly language: string; readonly code: string; readonly timeoutS: number }
  readonly cancel?: boolean
}

/** What the server says about its session. */
export interface Handles {
  readonly wsUrl?: string
  readonly linkUrl?: string
  readonly token?: string
  readonly toolList?: ReadonlyArray<{ readonly name: string; readonly server?: string }>
}

export const wsUrl = "wss://gateway.example/ws/s-1"

const toolList = [{ name: "run_code", server: "codespace" }, { name: "shell", server: "shells" }]

export const cancelling = [...toolList, { name: "cancel_run", server: "codespace" }]

export interface FakeOptions {
  readonly handles?: Handles
  readonly canPause?: boolean
  /** Answers tool calls of both routes. */
  readonly exchange?: (exchange: Transport.Exchange<unknown>) => Transport.Reply
  /** Before a socket opens. */
  readonly opening?: Effect.Effect<void, Transport.SocketError>
}

export const envelope = (data: unknown, fields: object = {}): Transport.Reply => ({
  status: 200,
  headers: {},
  body: JSON.stringify({ success: true, code: "ok", requestId: "r-1", data, ...fields })
})

/** The text of a run that printed `text`. */
const runText = (text: string) =>
  JSON.stringify({ result: [{ "text/plain": "42", isMainResult: true }], stdout: [text], stderr: [] })

export class FakeServer {
  readonly sockets: Array<FakeSocket> = []
  readonly exchanges: Array<Transport.Exchange<unknown>> = []
  opened = 0
  readonly #options: FakeOptions

  constructor(options: FakeOptions = {}) {
    this.#options = options
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1)
    if (last === undefined) throw new Error("no socket was opened")
    return last
  }

  /** The exchanges about tools. */
  get toolCalls(): ReadonlyArray<Transport.Exchange<unknown>> {
    return this.exchanges.filter(({ url }) => /\/(mcp\?.*|callTool)$/.test(url))
  }

  #reply(exchange: Transport.Exchange<unknown>): Transport.Reply {
    const { exchange: answer, handles } = this.#options
    const { pathname } = new URL(exchange.url)
    if (/\/mcp\/(create|get)Session$/.test(pathname)) {
      return envelope({ sessionId: "s-1", wsUrl, token: "t-1", toolList, ...handles })
    }
    if (pathname === "/mcp/getSessionInfo") return envelope({ status: "FINISH" })
    if (answer !== undefined) return answer(exchange)
    return envelope({ content: [{ type: "text", text: runText("whole\n") }], isError: false })
  }

  readonly layer: Layer.Layer<Agb.Agb> = Agb.layerTransport.pipe(
    Layer.provide(Layer.succeed(Transport.Transport, {
      exchange: (exchange) =>
        Effect.sync(() => {
          this.exchanges.push(exchange as Transport.Exchange<unknown>)
          return this.#reply(exchange as Transport.Exchange<unknown>)
        }),
      openSocket: (request, listener) =>
        Effect.zipRight(
          Effect.suspend(() => {
            this.opened += 1
            return this.#options.opening ?? Effect.void
          }),
          Effect.sync(() => {
            const socket = new FakeSocket(request, listener)
            this.sockets.push(socket)
            return socket.toSocket(this.#options.canPause ?? true)
          })
        )
    })),
    Layer.provide(Layer.orDie(AgbConfig.layer({ apiKey: "akm-1", endpoint: "https://api.example" })))
  )
}

export const output = (chunk: string, eventType: "stdout" | "stderr" = "stdout") => ({
  method: "run_code",
  mode: "stream",
  phase: "event",
  seq: 1,
  eventType,
  chunk
})

export const result = (text: string, isMainResult = true) => ({
  method: "run_code",
  mode: "stream",
  phase: "event",
  seq: 1,
  eventType: "result",
  result: { mime: { "text/plain": text }, isMainResult }
})

export const end = (fields: object = {}) => ({
  method: "run_code",
  mode: "stream",
  phase: "end",
  seq: 9,
  status: "finished",
  executionCount: 3,
  executionTime: 0.5,
  executionError: null,
  ...fields
})
