/**
 * The routes that lead to one session itself: its link, for tools, and its WebSocket, for streamed runs. Both take the token of
 * the session, which is sent nowhere else; an address that is neither encrypted nor on this machine is not used.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { ToolReply } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import { type ClientError, RequestRejectedError } from "../../AgbError.js"
import type { ToolResponse } from "../../ToolCall.js"
import { type CallOptions, type InternalCallOptions, internalOptions } from "../client/callOptions.js"
import * as envelopes from "../client/envelope.js"
import * as clientRoutes from "../client/sessionRoutes.js"
import { ExchangeError, type Transport } from "../client/transport/exchange.js"
import { fromExchange } from "../client/transport/exchangeFailure.js"
import type { SocketError, SocketListener } from "../client/transport/socket.js"
import type { SessionState } from "../lifecycle/sessionState.js"
import { parseSecure } from "../wire/addresses.js"
import { parseJson } from "../wire/codecs.js"
import { cancelAnnouncement } from "../wire/frames.js"
import { RunSockets, type RunStreams } from "./runSockets.js"

/** What the server says about a session. */
export interface Handles {
  readonly sessionId: string
  readonly linkUrl?: string | undefined
  readonly wsUrl?: string | undefined
  readonly token?: Redacted.Redacted<string> | undefined
  readonly toolList?: ReadonlyArray<{ readonly name: string; readonly server?: string }> | undefined
}

const tokenOf = ({ token }: Handles): string | undefined => {
  const text = token === undefined ? "" : Redacted.value(token)
  // Of other characters no header can be made.
  return /^[\x21-\x7e]+$/.test(text) ? text : undefined
}

const serverOf = ({ toolList = [] }: Handles, tool: string): string | undefined =>
  toolList.find(({ name }) => name === tool)?.server || undefined

/** What a rejected key is to the API is a rejected token here. */
const tokenRejected = (error: ClientError): ClientError =>
  error._tag === "AuthenticationError"
    ? new RequestRejectedError({
      operation: error.operation,
      requestId: error.requestId,
      status: error.status,
      code: "InvalidToken",
      detail: "the token of the session was rejected"
    })
    : error

/** `link-`, the time, and nine digits. */
const linkRequestId: Effect.Effect<string> = Effect.zipWith(
  Clock.currentTimeMillis,
  Random.nextIntBetween(0, 1_000_000_000),
  (millis, random) => `link-${millis}-${String(random).padStart(9, "0")}`
)

/** Calls a tool over the link. */
export type LinkCall = (
  args: Readonly<Record<string, unknown>>,
  options: InternalCallOptions
) => Effect.Effect<ToolResponse, ClientError>

/** The official clients read nothing but the first item of a reply, so servers put everything there. */
const firstItem = (reply: ToolReply): ToolReply => ({ ...reply, content: reply.content.slice(0, 1) })

/** The link of a session. A tool goes over it if the session names the server of the tool. */
export const makeLink = (
  client: AgbClient.Service,
  handles: Handles
): (tool: string) => LinkCall | undefined => {
  const [routes, token] = [clientRoutes.of(client), tokenOf(handles)]
  const url = parseSecure(handles.linkUrl, "http")
  if (routes === undefined || token === undefined || url === undefined) return () => undefined
  let method: clientRoutes.LinkMethod | undefined
  const call = (tool: string, server: string): LinkCall => (args, options) =>
    Effect.flatMap(linkRequestId, (requestId) => {
      const request = { tool, args, server, requestId, token }
      const linkOptions: CallOptions = internalOptions({ ...options, sessionId: handles.sessionId })
      const link = method ??= routes.link(url.href.replace(/\/+$/, ""), token)
      return Effect.mapBoth(link(request, linkOptions), {
        onFailure: tokenRejected,
        onSuccess: ({ data }) => ({ reply: firstItem(data.result), requestId })
      })
    })
  return (tool) => {
    const server = serverOf(handles, tool)
    return server === undefined ? undefined : call(tool, server)
  }
}

const rejected = (operation: string, handles: Handles, token: string, { body = "", status = 0 }: SocketError) =>
  Effect.map(Clock.currentTimeMillis, (now): ClientError => {
    const redact = envelopes.redactor(token)
    const envelope = envelopes.read(Either.getOrElse(parseJson(body), () => body), undefined, redact)
    const { sessionId } = handles
    const call = { operation, sessionId, status, retrySafety: "safe", retryAfter: undefined, date: undefined } as const
    return tokenRejected(envelopes.failure({ ...call, envelope, redact }, now))
  })

/** The error of a socket that could not be opened: nothing was run. */
const openFailed = (operation: string, handles: Handles, token: string) => (error: SocketError) =>
  Effect.flatMap(
    error.reason === "Rejected"
      ? rejected(operation, handles, token, error)
      : Effect.succeed(
        fromExchange(
          { operation, retrySafety: "unsafe" },
          new ExchangeError({ reason: "Unreachable", code: error.code }),
          0
        )
      ),
    Effect.fail
  )

const openGlobal: NonNullable<Transport.Service["openSocket"]> = (request, listener) =>
  Effect.flatMap(
    Effect.promise(() => import("../client/transport/globalSocket.js")),
    ({ openSocket }) => openSocket(request, listener)
  )

const openerOf = ({ openSocket }: Transport.Service) =>
  openSocket ?? ("WebSocket" in globalThis ? openGlobal : undefined)

const defaultCodeServer = "wuying_codespace"

/** The WebSocket of a session, or `undefined` if it has none that can be used. */
export const makeRunStreams = (
  client: AgbClient.Service,
  handles: Handles,
  state: SessionState
): RunStreams | undefined => {
  const [routes, token] = [clientRoutes.of(client), tokenOf(handles)]
  const { wsUrl: url } = handles
  if (routes === undefined || token === undefined || url === undefined || parseSecure(url, "ws") === undefined) {
    return undefined
  }
  const opener = openerOf(routes.transport)
  if (opener === undefined) return undefined
  const { config } = client
  const open = (operation: string, listener: SocketListener) => {
    const attempt = Effect.catchAll(
      opener({ url, token, maxBytes: config.maxResponseBytes }, listener),
      openFailed(operation, handles, token)
    )
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      routes.retrier.run({
        attempt,
        deadline: now + Duration.toMillis(config.timeout),
        onCancel: () => () => {}
      }))
  }
  return new RunSockets({
    open,
    state,
    target: serverOf(handles, "run_code") ?? defaultCodeServer,
    canCancel: handles.toolList?.some(({ name }) => name === cancelAnnouncement) ?? false
  })
}
