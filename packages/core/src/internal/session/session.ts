/** Implementation of `Session`: its modules and the calls that concern the whole session. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as AgbApi from "../../AgbApi.js"
import type { Labels, ReplyOf, RequestOf, RetrySafety, ToolDescription } from "../../AgbApi.js"
import type { AgbClient, CallOptions } from "../../AgbClient.js"
import type { ClientError, ToolError } from "../../AgbError.js"
import type { Tool } from "../../AgbTools.js"
import * as Code from "../../Code.js"
import * as Command from "../../Command.js"
import * as FileSystem from "../../FileSystem.js"
import * as ToolCall from "../../ToolCall.js"
import { internalOptions } from "../client/callOptions.js"
import * as timeouts from "../client/timeouts.js"
import * as sessionStates from "../lifecycle/sessionState.js"
import type { SessionState } from "../lifecycle/sessionState.js"
import { attemptLabel } from "../wire/attemptLabel.js"
import { JsonObject } from "../wire/codecs.js"

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
  /** The labels of the session. */
  readonly getLabels: Effect.Effect<Labels, ClientError>
  /** Replaces all labels; at least one is required. */
  readonly setLabels: (labels: Labels) => Effect.Effect<void, ClientError>
  /** Returns a public URL of the session, or of one of its ports from 30100 to 30199. */
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
  /** From 30100 to 30199. Default: the session itself. */
  readonly port?: number | undefined
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

const withoutAttempt = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== attemptLabel))

/** Time for the transport, added to the timeout of the tool. */
const margin = Duration.seconds(10)

export interface Handle {
  readonly session: Session
  readonly state: SessionState
}

export interface Origin {
  readonly client: AgbClient.Service
  readonly imageId: string
  readonly reply: ReplyOf<AgbApi.Endpoints["getSession"]> | ReplyOf<AgbApi.Endpoints["createSession"]>
}

const sendTool =
  (client: AgbClient.Service, sessionId: string, { guard }: SessionState) => (request: ToolCall.ToolRequest) => {
    const { args, name, operation, retrySafety, timeout } = request
    const call: RequestOf<AgbApi.Endpoints["callTool"]> = { sessionId, name, args, autoGenSession: false }
    const time = timeout === undefined ? {} : { timeout, margin }
    return Effect.map(
      guard(
        operation,
        retrySafety,
        (onCancel) => client.callTool(call, internalOptions({ operation, retrySafety, onCancel, ...time }))
      ),
      ({ data, requestId }) => ({ reply: data, requestId })
    )
  }

/** Calls a tool that the SDK may not know. The result is the text of its reply. */
const callAny = (toolCall: ToolCall.ToolCall): Session["callTool"] =>
  Effect.fn("Session.callTool")(function*(name, args, options) {
    const operation = "Session.callTool"
    const timeout = options?.timeout === undefined
      ? undefined
      : yield* timeouts.parse(operation, options.timeout)
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

/** The calls that concern the whole session, except for tools. */
const sessionCalls = (client: AgbClient.Service, sessionId: string, imageId: string, call: SessionCall) => ({
  info: call("info", "safe", (options) =>
    Effect.map(client.getMcpResource({ sessionId }, options), (resource) => ({
      sessionId: resource.sessionId ?? sessionId,
      resourceUrl: resource.resourceUrl ?? "",
      desktop: Option.fromNullable(resource.desktopInfo)
    }))),
  status: call(
    "status",
    "safe",
    (options) => Effect.map(client.getSessionInfo({ sessionId }, options), ({ status }) => status.toUpperCase())
  ),
  keepAlive: call("keepAlive", "idempotent", (options) => client.refreshSessionIdleTime({ sessionId }, options)),
  getLabels: call(
    "getLabels",
    "safe",
    (options) => Effect.map(client.getLabel({ sessionId }, options), withoutAttempt)
  ),
  setLabels: (labels: Labels) =>
    call("setLabels", "idempotent", (options) => client.setLabel({ sessionId, labels }, options)),
  getLink: ({ port, protocolType }: GetLinkOptions = {}) =>
    call("getLink", "safe", (options) => {
      const request = {
        sessionId,
        ...(port === undefined ? {} : { port }),
        ...(protocolType === undefined ? {} : { protocolType })
      }
      return Effect.map(client.getLink(request, options), ({ url }) => url)
    }),
  listTools: (image = imageId) => call("listTools", "safe", (options) => client.listTools({ imageId: image }, options))
})

/** Creates a session from the reply of `createSession` or `getSession`. */
export const make = ({ client, imageId, reply }: Origin): Handle => {
  const { sessionId } = reply
  const sessionState = sessionStates.make(sessionId)
  const toolCall = ToolCall.make(sendTool(client, sessionId, sessionState))

  const call: SessionCall = (name, retrySafety, effect) => {
    const operation = `Session.${name}`
    return sessionState.guard(operation, retrySafety, (onCancel) => effect(internalOptions({ operation, onCancel })))
      .pipe(
        Effect.withSpan(operation, { captureStackTrace: false, attributes: { "agb.session_id": sessionId } })
      )
  }

  const session = Session.of({
    sessionId,
    resourceUrl: reply.resourceUrl ?? "",
    imageId,
    apiKey: client.config.apiKey,
    client,
    code: Code.make(toolCall),
    command: Command.make(toolCall),
    fileSystem: FileSystem.make(toolCall),
    ...sessionCalls(client, sessionId, imageId, call),
    callTool: callAny(toolCall)
  })
  return { session, state: sessionState }
}
