/** A session as a value: what the server said of it, its modules, and the calls that concern it as a whole. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as AgbApi from "../../AgbApi.js"
import type { Labels, Repeat, ReplyOf, RequestOf, ToolDescription } from "../../AgbApi.js"
import type { AgbClient, CallOptions } from "../../AgbClient.js"
import type { ClientError, ToolError } from "../../AgbError.js"
import type { Tool } from "../../AgbTools.js"
import * as Code from "../../Code.js"
import * as Command from "../../Command.js"
import * as FileSystem from "../../FileSystem.js"
import * as ToolCall from "../../ToolCall.js"
import * as loss from "../lifecycle/sessionState.js"
import { attemptLabel } from "../wire/attemptLabel.js"
import { JsonObject } from "../wire/codecs.js"
import * as execution from "./execution.js"

/**
 * What `info` says: where the session can be looked at, and for a desktop image how a viewer connects.
 */
export interface SessionInfo {
  readonly sessionId: string
  /** Empty when the server gave none. It contains a short-lived access code: do not log it. */
  readonly resourceUrl: string
  readonly desktop: Option.Option<AgbApi.DesktopInfo>
}

/**
 * A session and its modules. Every call fails with `SessionLostError` once the session is gone.
 */
export interface Session {
  readonly sessionId: string
  /** Empty when the server gave none. It contains a short-lived access code: do not log it. */
  readonly resourceUrl: string
  /** Empty for an attached session: the server does not say. */
  readonly imageId: string
  readonly apiKey: Redacted.Redacted<string>
  /** The wire itself, for what has no method here. */
  readonly client: AgbClient.Service
  readonly code: Code.Code
  readonly command: Command.Command
  readonly fileSystem: FileSystem.FileSystem
  readonly info: Effect.Effect<SessionInfo, ClientError>
  /** `RUNNING`, `DELETING` or `FINISH`, in upper case. Asking does not count as use. */
  readonly status: Effect.Effect<string, ClientError>
  /** Resets the idle timer. Sessions that this program created are kept alive by themselves. */
  readonly keepAlive: Effect.Effect<void, ClientError>
  readonly getLabels: Effect.Effect<Labels, ClientError>
  /** Replaces all labels; at least one is needed. */
  readonly setLabels: (labels: Labels) => Effect.Effect<void, ClientError>
  /** A public URL of the session, or of a port of it from 30100 to 30199. */
  readonly getLink: (options?: GetLinkOptions) => Effect.Effect<string, ClientError>
  /** The tools of the session's image, or of another one. */
  readonly listTools: (imageId?: string) => Effect.Effect<ReadonlyArray<ToolDescription>, ClientError>
  /** Calls a tool by name and gives the text of its answer. It is never repeated once it may have happened. */
  readonly callTool: (
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: { readonly timeout?: Duration.DurationInput | undefined }
  ) => Effect.Effect<string, ClientError | ToolError>
}

export interface GetLinkOptions {
  /** `https` or `wss`; the server decides when absent. */
  readonly protocolType?: string | undefined
  readonly port?: number | undefined
}

export const Session = Context.GenericTag<Session>("@effect-agb/core/Session")

/** Everything that a session puts into the context. */
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

/** What the transport may take on top of the time of the tool itself. */
const margin = Duration.seconds(10)

export interface Handle {
  readonly session: Session
  readonly loss: loss.Loss
}

export interface Origin {
  readonly client: AgbClient.Service
  readonly imageId: string
  readonly reply: ReplyOf<AgbApi.Endpoints["getSession"]> | ReplyOf<AgbApi.Endpoints["createSession"]>
}

const sendTool =
  (client: AgbClient.Service, sessionId: string, { guard }: loss.Loss) => (request: ToolCall.ToolRequest) => {
    const { args, name, operation, repeat, timeout } = request
    const call: RequestOf<AgbApi.Endpoints["callTool"]> = { sessionId, name, args, autoGenSession: false }
    const deadline = timeout === undefined ? client.config.timeout : Duration.sum(timeout, margin)
    return Effect.map(
      guard(operation, repeat, (ending) => client.callTool(call, { operation, repeat, timeout: deadline, ending })),
      ({ data, requestId }) => ({ reply: data, requestId })
    )
  }

/** The tool call of a name that this SDK may not know: its text is its meaning. */
const callAny = (toolCall: ToolCall.ToolCall): Session["callTool"] =>
  Effect.fn("Session.callTool")(function*(name, args, options) {
    const operation = "Session.callTool"
    const timeout = options?.timeout === undefined
      ? undefined
      : Duration.millis(yield* execution.timeoutMillis(operation, options.timeout))
    const tool: Tool<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>, string> = {
      name,
      description: "",
      server: "",
      args: JsonObject,
      result: Schema.String,
      repeat: () => "once"
    }
    return yield* toolCall.call(tool, args, { operation, timeout })
  })

/** A session from what the server said when it was created or asked for. */
export const make = ({ client, imageId, reply }: Origin): Handle => {
  const { sessionId } = reply
  const sessionLoss = loss.make(sessionId)
  const toolCall = ToolCall.make(sendTool(client, sessionId, sessionLoss))

  const call = <A>(name: string, repeat: Repeat, effect: (options: CallOptions) => Effect.Effect<A, ClientError>) => {
    const operation = `Session.${name}`
    return sessionLoss.guard(operation, repeat, (ending) => effect({ operation, ending })).pipe(
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
    info: call("info", "read", (options) =>
      Effect.map(client.getMcpResource({ sessionId }, options), (resource) => ({
        sessionId: resource.sessionId ?? sessionId,
        resourceUrl: resource.resourceUrl ?? "",
        desktop: Option.fromNullable(resource.desktopInfo)
      }))),
    status: call(
      "status",
      "read",
      (options) => Effect.map(client.getSessionInfo({ sessionId }, options), ({ status }) => status.toUpperCase())
    ),
    keepAlive: call("keepAlive", "idempotent", (options) => client.refreshSessionIdleTime({ sessionId }, options)),
    getLabels: call(
      "getLabels",
      "read",
      (options) => Effect.map(client.GetLabel({ sessionId }, options), withoutAttempt)
    ),
    setLabels: (labels) =>
      call("setLabels", "idempotent", (options) => client.SetLabel({ sessionId, labels }, options)),
    getLink: ({ port, protocolType } = {}) =>
      call("getLink", "read", (options) =>
        Effect.map(
          client.getLink({
            sessionId,
            ...(port === undefined ? {} : { port }),
            ...(protocolType === undefined ? {} : { protocolType })
          }, options),
          ({ url }) => url
        )),
    listTools: (image = imageId) =>
      call("listTools", "read", (options) => client.listTools({ imageId: image }, options)),
    callTool: callAny(toolCall)
  })
  return { session, loss: sessionLoss }
}
