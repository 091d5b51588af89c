/** Implementation of `Session`: its modules and the calls that concern the whole session. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as AgbApi from "../../AgbApi.js"
import type { Labels, ReplyOf, RequestOf, RetrySafety, ToolDescription } from "../../AgbApi.js"
import type { AgbClient, CallOptions } from "../../AgbClient.js"
import { type ClientError, InvalidRequestError, type ToolError } from "../../AgbError.js"
import type { Tool } from "../../AgbTools.js"
import * as Code from "../../Code.js"
import * as Command from "../../Command.js"
import * as FileSystem from "../../FileSystem.js"
import { SessionRef } from "../../SessionRef.js"
import * as ToolCall from "../../ToolCall.js"
import { internalOptions } from "../client/callOptions.js"
import { describe } from "../client/checks/issues.js"
import * as optionObjects from "../client/checks/options.js"
import * as timeouts from "../client/checks/timeouts.js"
import * as sessionStates from "../lifecycle/sessionState.js"
import type { SessionState } from "../lifecycle/sessionState.js"
import { JsonObject } from "../wire/codecs.js"
import { withoutOwn } from "../wire/ownLabels.js"
import type { PersistenceData } from "../wire/persistence.js"
import { conceal } from "../wire/text/concealed.js"
import { transportMillis } from "./execution.js"
import * as directFiles from "./files/directFiles.js"
import * as toolFiles from "./files/toolFiles.js"
import * as ports from "./ports.js"
import * as sessionContexts from "./sessionContexts.js"
import type { SessionContexts } from "./sessionContexts.js"
import * as sessionMetrics from "./sessionMetrics.js"
import type { ReportMetricsOptions, SessionMetrics } from "./sessionMetrics.js"
import * as routes from "./sessionRoutes.js"
import * as terminals from "./terminals.js"
import type { Terminals } from "./terminals.js"

/**
 * The URL to view a session in a browser and, for desktop images, the connection parameters of the viewer.
 */
export interface SessionInfo {
  readonly sessionId: string
  /** URL to view the session, or empty. It contains a short-lived access code: do not log it. */
  readonly resourceUrl: string
  /** Connection parameters of the viewer of a desktop image. */
  readonly desktop: Option.Option<AgbApi.DesktopInfo>
}

/**
 * A session and its modules. Every call fails with `SessionLostError` once the session is gone.
 */
export interface Session {
  readonly sessionId: string
  /** A reference by which another program can go on with the session, see `Session.resume`. */
  readonly ref: SessionRef
  /** URL to view the session, or empty. It contains a short-lived access code: do not log it. */
  readonly resourceUrl: string
  /** Empty for an attached session, whose image the server does not report. */
  readonly imageId: string
  /** The API key used by the calls of the session. */
  readonly apiKey: Redacted.Redacted<string>
  /** The low-level client, for endpoints without a method here. */
  readonly client: AgbClient.Service
  readonly code: Code.Code
  readonly command: Command.Command
  readonly fileSystem: FileSystem.FileSystem
  /** The URL to view the session and, for desktop images, the connection parameters of the viewer. */
  readonly info: Effect.Effect<SessionInfo, ClientError>
  /** The status in upper case. Reading it does not reset the idle timer. */
  readonly status: Effect.Effect<SessionStatus, ClientError>
  /** Resets the idle timer. Sessions created by this program are kept alive automatically. */
  readonly keepAlive: Effect.Effect<void, ClientError>
  /**
   * When the server releases the session at the earliest, unless it is kept alive or used before: its idle timeout after the
   * last keep-alive of this program, by the clock of this machine. None where the idle timeout is not known, as for an attached
   * session, and for one that is lost. When keep-alives fail until a third of the idle timeout is left, a warning is logged.
   */
  readonly expiresAt: Effect.Effect<Option.Option<Date>>
  /** The labels of the session. */
  readonly getLabels: Effect.Effect<Labels, ClientError>
  /** Replaces all labels; at least one is required. */
  readonly setLabels: (labels: Labels) => Effect.Effect<void, ClientError>
  /** The contexts that persist directories of the session. */
  readonly contexts: SessionContexts
  /** The resource usage of the session. */
  readonly metrics: Effect.Effect<SessionMetrics, ClientError | ToolError>
  /**
   * Reads `metrics` at once and then at every interval, until the scope ends or the session is lost, and sets the gauges
   * `agb_session_cpu_used_percent`, `agb_session_memory_used_bytes` and so on of Effect's metrics. They have no tags: where there
   * are several sessions, tag each, `Effect.tagMetrics("session", name)`. Each reading counts as use of the session.
   */
  readonly reportMetrics: (
    options?: ReportMetricsOptions
  ) => Effect.Effect<void, InvalidRequestError, Scope.Scope>
  readonly link: SessionLink
  /** Commands on a pseudo-terminal. */
  readonly terminal: Terminals
  /** Returns a public URL of the session, or of one of its ports. A server may refuse a port: the cloud has 30100 to 30199. */
  readonly getLink: (options?: GetLinkOptions) => Effect.Effect<string, ClientError>
  /** Lists the tools of an image. Default: the image of the session. */
  readonly listTools: (imageId?: string) => Effect.Effect<ReadonlyArray<ToolDescription>, ClientError>
  /** Calls a tool by name and returns the text of its reply. It is not retried if it may have been executed. */
  readonly callTool: (
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: { readonly timeout?: Duration.DurationInput | undefined }
  ) => Effect.Effect<string, ClientError | ToolError>
}

/** Known statuses of a session; servers may report others. */
export type SessionStatus = "RUNNING" | "DELETING" | "DELETED" | "FINISH" | (string & {})

/** Known protocols of a link; servers may accept others. */
export type LinkProtocol = "https" | "wss" | (string & {})

export interface GetLinkOptions {
  /** Default: chosen by the server. */
  readonly protocolType?: LinkProtocol | undefined
  /** Any port that the server accepts. Default: the session itself. */
  readonly port?: number | undefined
}

/** Options of `link.waitFor`. */
export interface WaitForLinkOptions {
  /** Default: chosen by the server. */
  readonly protocolType?: LinkProtocol | undefined
  /** How long to wait. Default: 1 minute. */
  readonly timeout?: Duration.DurationInput | undefined
}

/** Links to the ports of a session. */
export interface SessionLink {
  /**
   * Waits until something in the session listens on a TCP port; returns the public URL of that port. It fails with a
   * `TransportError` of reason `Timeout` when nothing does in time.
   */
  readonly waitFor: (port: number, options?: WaitForLinkOptions) => Effect.Effect<string, ClientError | ToolError>
}

export const Session = Context.GenericTag<Session>("@effect-agb/core/Session")

/** The services that a session provides. */
export const toContext = (
  session: Session
): Context.Context<Session | Code.Code | Command.Command | FileSystem.FileSystem> =>
  Context.make(Session, session).pipe(
    Context.add(Code.Code, session.code),
    Context.add(Command.Command, session.command),
    Context.add(FileSystem.FileSystem, session.fileSystem)
  )

/** Time for the transport, added to the timeout of the tool. */
const margin = Duration.millis(transportMillis)

export interface Handle {
  readonly session: Session
  /** Waits until the content of the contexts has arrived. */
  readonly isReady: Effect.Effect<void, ClientError>
  readonly state: SessionState
}

export interface Origin {
  readonly client: AgbClient.Service
  readonly imageId: string
  readonly idleTimeoutSeconds?: number | undefined
  readonly mounts?: ReadonlyArray<PersistenceData> | undefined
  readonly reply: ReplyOf<AgbApi.Endpoints["getSession"]> | ReplyOf<AgbApi.Endpoints["createSession"]>
}

/** The text of a failed tool becomes the detail of an error. */
const withoutKey = (reply: AgbApi.ToolReply, { config }: AgbClient.Service): AgbApi.ToolReply => ({
  ...reply,
  content: reply.content.map((piece) =>
    piece.text === undefined
      ? piece
      : { ...piece, text: piece.text.replaceAll(Redacted.value(config.apiKey), "<redacted>") }
  )
})

/** Over the link of the session where it has one for the tool, else over the API. */
const sendTool = (client: AgbClient.Service, handles: routes.Handles, { guard }: SessionState) => {
  const { sessionId } = handles
  const linkOf = routes.makeLink(client, handles)
  const overApi = (name: string): routes.LinkCall => (args, options) => {
    const call: RequestOf<AgbApi.Endpoints["callTool"]> = { sessionId, name, args, autoGenSession: false }
    return Effect.map(
      client.callTool(call, internalOptions(options)),
      ({ data, requestId }) => ({ reply: data, requestId })
    )
  }
  return ({ args, name, operation, retrySafety, timeout }: ToolCall.ToolRequest) => {
    const time = timeout === undefined ? {} : { timeout, margin }
    const send = linkOf(name) ?? overApi(name)
    return Effect.map(
      guard(operation, retrySafety, (onCancel) => send(args, { operation, retrySafety, onCancel, ...time })),
      ({ reply, requestId }) => ({ reply: reply.isError ? withoutKey(reply, client) : reply, requestId })
    )
  }
}

/** Calls a tool that the SDK may not know. The result is the text of its reply. */
const callAny = (toolCall: ToolCall.ToolCall): Session["callTool"] =>
  Effect.fn("Session.callTool")(function*(name, args, options) {
    const operation = "Session.callTool"
    const given = yield* optionObjects.check(operation, options, ["timeout"])
    const timeout = given.timeout === undefined ? undefined : yield* timeouts.parse(operation, given.timeout)
    const tool: Tool<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>, string> = {
      name,
      description: "",
      server: "",
      args: JsonObject,
      result: Schema.String,
      retrySafety: () => "unsafe"
    }
    return yield* toolCall.call(tool, args, { operation, timeout })
  })

type SessionCall = <A>(
  name: string,
  retrySafety: RetrySafety,
  effect: (options: CallOptions) => Effect.Effect<A, ClientError>
) => Effect.Effect<A, ClientError>

const waitForLink =
  (toolCall: ToolCall.ToolCall, getLink: Session["getLink"]): SessionLink["waitFor"] => (port, given) =>
    Effect.gen(function*() {
      const operation = "Session.link.waitFor"
      const { protocolType, timeout } = yield* optionObjects.check(operation, given, ["protocolType", "timeout"])
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        const expected = "an integer from 1 to 65535"
        return yield* new InvalidRequestError({ operation, field: "port", given: describe(port, "port"), expected })
      }
      const time = yield* timeouts.parse(operation, timeout ?? "1 minute")
      // A port that the server refuses is refused before the wait.
      const url = yield* getLink({ port, protocolType })
      yield* ports.waitFor(toolCall, operation, port, time)
      return url
    })

/** The calls that concern the whole session, except for tools. */
const sessionCalls = (client: AgbClient.Service, sessionId: string, imageId: string, call: SessionCall) => ({
  info: call("info", "safe", (options) =>
    Effect.map(client.getMcpResource({ sessionId }, options), (resource) => ({
      sessionId: resource.sessionId ?? sessionId,
      resourceUrl: resource.resourceUrl ?? "",
      desktop: Option.fromNullable(resource.desktopInfo)
    })).pipe(Effect.map((info) => conceal(info, ["resourceUrl"])))),
  status: call(
    "status",
    "safe",
    (options) => Effect.map(client.getSessionInfo({ sessionId }, options), ({ status }) => status.toUpperCase())
  ),
  keepAlive: call("keepAlive", "idempotent", (options) => client.refreshSessionIdleTime({ sessionId }, options)),
  getLabels: call(
    "getLabels",
    "safe",
    (options) => Effect.map(client.getLabel({ sessionId }, options), withoutOwn)
  ),
  setLabels: (labels: Labels) =>
    call("setLabels", "idempotent", (options) => client.setLabel({ sessionId, labels }, options)),
  getLink: (given?: GetLinkOptions) =>
    Effect.flatMap(
      optionObjects.check("Session.getLink", given, ["port", "protocolType"]),
      ({ port, protocolType }) =>
        call("getLink", "safe", (options) => {
          const request = {
            sessionId,
            ...(port === undefined ? {} : { port }),
            ...(protocolType === undefined ? {} : { protocolType })
          }
          return Effect.map(client.getLink(request, options), ({ url }) => url)
        })
    ),
  listTools: (image = imageId) => call("listTools", "safe", (options) => client.listTools({ imageId: image }, options))
})

const callsOf = (sessionId: string, { guard }: SessionState): SessionCall => (name, retrySafety, effect) => {
  const operation = `Session.${name}`
  return guard(operation, retrySafety, (onCancel) => effect(internalOptions({ operation, onCancel }))).pipe(
    Effect.withSpan(operation, { captureStackTrace: false, attributes: { "agb.session_id": sessionId } })
  )
}

/** What is needed to synchronize the contexts of a session. */
const contextsOf = (client: AgbClient.Service, sessionId: string, state: SessionState) => ({
  client,
  sessionId,
  call: callsOf(sessionId, state),
  mounts: state.mounts
})

/** Saves the contexts of a session of which only the id may be known; fails unless all of it is confirmed. */
export const save = (
  client: AgbClient.Service,
  sessionId: string,
  state: SessionState = sessionStates.make(sessionId)
): Effect.Effect<void, ClientError> =>
  Effect.asVoid(sessionContexts.make(contextsOf(client, sessionId, state)).sync({ mode: "upload" }))

/** What the server said about a session. */
export type Handles = Origin["reply"]

const handles = new WeakMap<Session, Handles>()

export const handlesOf = (session: Session): Handles | undefined => handles.get(session)

const toolCalls = new WeakMap<Session, ToolCall.ToolCall>()

/** The tool calls of a session, beside its methods. */
export const toolCallOf = (session: Session): ToolCall.ToolCall | undefined => toolCalls.get(session)

/** Creates a session from the reply of `createSession` or `getSession`. */
export const make = ({ client, idleTimeoutSeconds, imageId, mounts, reply }: Origin): Handle => {
  const { sessionId } = reply
  const sessionState = sessionStates.make(sessionId, { mounts, idleTimeoutSeconds })
  const toolCall = ToolCall.make(sendTool(client, reply, sessionState))
  const calls = sessionCalls(client, sessionId, imageId, callsOf(sessionId, sessionState))
  const keepAlive = Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => Effect.map(calls.keepAlive, () => sessionState.renewed(now))
  )
  const contexts = contextsOf(client, sessionId, sessionState)
  const metrics = sessionMetrics.read(toolCall)

  const session = Session.of(conceal({
    sessionId,
    ref: new SessionRef(
      { sessionId, imageId, ...(idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds }) },
      { disableValidation: true }
    ),
    resourceUrl: reply.resourceUrl ?? "",
    imageId,
    apiKey: client.config.apiKey,
    client,
    code: Code.make(toolCall, routes.makeRunStreams(client, reply, sessionState)),
    command: Command.make(toolCall, { sessionId }),
    fileSystem: FileSystem.makeWith(
      toolCall,
      directFiles.make(client, reply, sessionState) ?? toolFiles.make(toolCall)
    ),
    contexts: sessionContexts.make(contexts),
    metrics,
    reportMetrics: (options) => sessionMetrics.report(metrics, options),
    expiresAt: Effect.sync(() => Option.map(sessionState.expiry(), (time) => new Date(time))),
    link: { waitFor: waitForLink(toolCall, calls.getLink) },
    terminal: terminals.make(toolCall),
    ...calls,
    keepAlive,
    callTool: callAny(toolCall)
  }, ["resourceUrl"]))
  handles.set(session, reply)
  toolCalls.set(session, toolCall)
  return { session, isReady: sessionContexts.downloaded(contexts), state: sessionState }
}
