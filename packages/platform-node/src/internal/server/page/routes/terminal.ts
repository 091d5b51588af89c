/** A terminal on the page of a session: the SDK's terminal, between a pseudo-terminal in the session and a WebSocket. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Terminal from "@effect-agb/core/Terminal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { WebSocket, WebSocketServer } from "ws"
import type { UpgradeRequest } from "../../http/httpServer.js"
import { withRequestContext } from "../../http/requestContext.js"
import { close, closeCodes } from "../../http/webSockets.js"
import type { LocalSession } from "../../sessions/localSession.js"
import { recordedAs } from "../../timeline/recorded.js"
import { mustSteer, type SessionVisit } from "../http/pageRoute.js"
import { open } from "../live/liveUpgrade.js"
import { pageRequest, toolCallOf } from "../session/sessionTools.js"

/** What a page sends: bytes that are typed, or a new size. */
type Input = Uint8Array | { readonly columns: number; readonly rows: number }

const shell = "if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi"

const maxTerminals = 8

const tooMany = new ApiError({
  status: 429,
  code: "Throttling.Terminals",
  message: "this session has too many terminals"
})

/** Nothing more is read from a page while so much waits for the session, and nothing from the session while so much waits for a page. */
const maxUnwritten = 64 * 1024
const maxUnsent = 256 * 1024

const entry = {
  kind: "process",
  title: "Open a terminal",
  text: "",
  language: null,
  path: null,
  cwd: null
} as const

const isSize = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1000

const sizeOf = (columns: unknown, rows: unknown) => isSize(columns) && isSize(rows) ? { columns, rows } : undefined

const parsed = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

const inputOf = (data: Buffer, isBinary: boolean): Input | undefined => {
  if (isBinary) return new Uint8Array(data)
  const { columns, rows } = parsed(data.toString())
  return sizeOf(columns, rows)
}

/** A reason fits into a close frame. */
const reasonOf = (text: string): string => Buffer.from(text).subarray(0, 120).toString().replace(/\ufffd+$/, "")

/** Sends to the page, which holds the session up while it does not read. */
const send = (socket: WebSocket, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.async((resume) => {
    const proceed = () => resume(Effect.void)
    socket.send(bytes, { binary: true }, proceed)
    if (socket.bufferedAmount < maxUnsent) proceed()
  })

/** Types what has come, all at once. */
const typeInto = (terminal: Terminal.Terminal, inputs: Iterable<Input>) =>
  Effect.gen(function*() {
    let bytes: Array<Uint8Array> = []
    const flush = Effect.suspend(() => {
      const typed = Buffer.concat(bytes)
      bytes = []
      return typed.length === 0 ? Effect.void : terminal.write(typed)
    })
    for (const input of inputs) {
      if (input instanceof Uint8Array) bytes.push(input)
      else yield* Effect.zipRight(flush, terminal.resize(input.columns, input.rows))
    }
    yield* flush
  })

const run = (session: LocalSession, socket: WebSocket, size: { readonly columns: number; readonly rows: number }) =>
  Effect.gen(function*() {
    const inputs = yield* Queue.unbounded<Input>()
    let unwritten = 0
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      const input = inputOf(data, isBinary)
      if (input === undefined) return close(socket, closeCodes.unsupported, "bytes, or a size as JSON")
      unwritten += data.length
      if (unwritten > maxUnwritten) socket.pause()
      inputs.unsafeOffer(input)
    })
    socket.resume()
    const terminal = yield* Terminal.make(toolCallOf(session)).open(shell, size)
    const typed = Effect.forever(
      Effect.gen(function*() {
        const all = yield* Queue.takeBetween(inputs, 1, 1000)
        // Typing is use of the session, and so is a changed window.
        session.usedAt = yield* Clock.currentTimeMillis
        yield* typeInto(terminal, all)
        unwritten = 0
        if (socket.isPaused) socket.resume()
      })
    )
    const shown = Stream.runForEach(terminal.output, (bytes) => send(socket, bytes))
    yield* Effect.raceFirst(shown, typed)
  })

const terminals = new WeakMap<LocalSession, Set<WebSocket>>()

const track = (session: LocalSession, socket: WebSocket): void => {
  const open = terminals.get(session) ?? new Set()
  terminals.set(session, open.add(socket))
  socket.once("close", () => open.delete(socket))
}

/** Ends with the socket, with the shell, and with the session. */
const serve = (session: LocalSession, socket: WebSocket, request: UpgradeRequest) =>
  Effect.gen(function*() {
    const { query } = request.target
    const size = sizeOf(Number(query.get("columns") ?? 80), Number(query.get("rows") ?? 24)) ??
      { columns: 80, rows: 24 }
    const served = recordedAs(session.timeline, entry, () => Effect.scoped(run(session, socket, size))).pipe(
      withRequestContext(pageRequest()),
      Effect.match({
        onSuccess: () => close(socket, closeCodes.normal, "the shell has ended"),
        onFailure: (error) => {
          const isMissing = error._tag === "ProcessError" && error.reason === "Unsupported"
          close(socket, isMissing ? closeCodes.unavailable : closeCodes.failed, reasonOf(error.message))
        }
      }),
      Effect.ensuring(Effect.sync(() => close(socket, closeCodes.goingAway, "the terminal has ended")))
    )
    const fiber = yield* Effect.forkIn(Effect.interruptible(served), session.scope)
    socket.once("close", () => fiber.unsafeInterruptAsFork(FiberId.none))
  })

export const serveTerminal = (
  { access, session }: SessionVisit,
  request: UpgradeRequest,
  server: WebSocketServer,
  heartbeatMs: number
): Effect.Effect<void, ApiError> =>
  Effect.gen(function*() {
    yield* mustSteer(access)
    if ((terminals.get(session)?.size ?? 0) >= maxTerminals) return yield* tooMany
    const socket = yield* open(server, request, heartbeatMs)
    track(session, socket)
    session.usedAt = yield* Clock.currentTimeMillis
    yield* serve(session, socket, request)
  })
