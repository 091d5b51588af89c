/** A forwarded port that ends with a scope. */
import { type ClientError, InvalidRequestError, MalformedResponseError } from "@effect-agb/core/AgbError"
import type { Session } from "@effect-agb/core/Session"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Forward, Forwarder } from "./forward.js"
import { LinkTarget } from "./forwardHeaders.js"

export interface ForwardOptions {
  /** The port of this machine. Default: any free one. */
  readonly localPort?: number | undefined
}

const operation = "NodeAgb.forward"

const invalid = (field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: String(given).slice(0, 64), expected })

const isPort = (port: unknown, least: number): port is number =>
  typeof port === "number" && Number.isInteger(port) && port >= least && port <= 65_535

const insecure = new MalformedResponseError({
  operation,
  path: "url",
  expected: "an https URL, unless its host is a loopback address",
  mayHaveHappened: false,
  retryable: false
})

const check = (port: unknown, options: unknown): InvalidRequestError | undefined => {
  if (!isPort(port, 1)) return invalid("port", port, "an integer from 1 to 65535")
  if (options === undefined) return undefined
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return invalid("options", typeof options, "an object (the options are localPort)")
  }
  const unknown = Object.keys(options).find((name) => name !== "localPort")
  if (unknown !== undefined) return invalid(unknown, "an unknown option", "absent (the options are localPort)")
  const { localPort } = options as ForwardOptions
  return localPort === undefined || isPort(localPort, 0)
    ? undefined
    : invalid("localPort", localPort, "an integer from 0 to 65535")
}

const linkOf = (session: Session, port: number, protocolType: string): Effect.Effect<LinkTarget, ClientError> =>
  Effect.flatMap(session.getLink({ port, protocolType }), (url) => {
    const target = LinkTarget.parse(url)
    return target === undefined ? Effect.fail(insecure) : Effect.succeed(target)
  })

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : "Unknown"

export const scoped = (
  session: Session,
  port: number,
  options?: ForwardOptions
): Effect.Effect<Forward, ClientError, Scope.Scope> =>
  Effect.gen(function*() {
    const error = check(port, options)
    if (error !== undefined) return yield* error
    const http = yield* linkOf(session, port, "https")
    const upgrades = () => Effect.runPromise(linkOf(session, port, "wss"))
    const forwarder = yield* Effect.acquireRelease(
      Effect.sync(() => new Forwarder({ http, upgrades })),
      (forwarder) => Effect.sync(() => forwarder.close())
    )
    const localPort = options?.localPort ?? 0
    return yield* Effect.tryPromise({
      try: () => forwarder.listen(localPort),
      catch: (error) => invalid("localPort", localPort, `a port that can be had (${codeOf(error)})`)
    })
  }).pipe(Effect.withSpan(operation, { attributes: { "agb.session_id": session?.sessionId } }))
