/** What a person does with a session on its page. */
import { ApiError } from "@effect-agb/core/AgbServer"
import { Language } from "@effect-agb/core/AgbTools"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type RequestContext, withRequestContext } from "../../http/requestContext.js"
import { stackFrames } from "../../http/requestLog.js"
import { recordedRun } from "../../routes/recordedRun.js"
import { runStream } from "../../routes/runStream.js"
import type { LocalSession } from "../../sessions/localSession.js"
import { AccessField, readBody } from "../http/pageBody.js"
import type { RoutesOptions } from "../http/pageOptions.js"
import { sendJson } from "../http/pageReply.js"
import { mustSteer, type PageRoute, type SessionVisit } from "../http/pageRoute.js"
import { secondsLeft } from "../session/sessionView.js"

/** How long a run or a command of the page may take. */
const longest = { seconds: 3600 }

const newId = () => crypto.randomUUID().toUpperCase()

/** Starts something in the background that belongs to the session, and tells its entry; null if it has none. */
const startIn = (
  session: LocalSession,
  work: (request: RequestContext) => Effect.Effect<unknown, unknown>
): Effect.Effect<string | null> =>
  Effect.gen(function*() {
    const entry = yield* Deferred.make<string | null>()
    const tell = (id: string | null) => Deferred.unsafeDone(entry, Effect.succeed(id))
    const logged = work({ requestId: newId(), onPageEntry: tell, sandboxMillis: 0 }).pipe(
      Effect.catchAllDefect((defect) => Effect.logError(`A run of a page met a defect: ${stackFrames(defect)}`)),
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => tell(null)))
    )
    yield* Effect.forkIn(Effect.interruptible(logged), session.scope)
    return yield* Deferred.await(entry)
  })

const runRoute = ({ limits, registry, replies }: RoutesOptions): PageRoute<SessionVisit> => {
  const read = readBody(Schema.Struct({ language: Language, code: Schema.String }), limits)
  return {
    method: "POST",
    path: /^\/api\/run$/,
    access: "steer",
    handle: ({ session }, exchange) =>
      Effect.gen(function*() {
        const { code, language } = yield* read(exchange)
        yield* registry.use(session.sessionId)
        const events = runStream(session.sandbox, replies, { code, language, ...longest })
        const run = (request: RequestContext) =>
          recordedRun(session.timeline, { code, language }, request, (record) =>
            Stream.runForEach(events, (event) =>
              Effect.sync(() =>
                record(event)
              )).pipe(
                Effect.catchTag("SandboxFailure", ({ code, message }) => new ApiError({ status: 500, code, message }))
              ))
        const id = yield* startIn(session, (request) =>
          registry.whileActive(session, run(request)))
        sendJson(exchange, 202, { id })
      })
  }
}

const commandRoute = ({ limits, registry }: RoutesOptions): PageRoute<SessionVisit> => {
  const read = readBody(Schema.Struct({ command: Schema.String, cwd: Schema.optional(Schema.String) }), limits)
  return {
    method: "POST",
    path: /^\/api\/command$/,
    access: "steer",
    handle: ({ session }, exchange) =>
      Effect.gen(function*() {
        const { command, cwd } = yield* read(exchange)
        yield* registry.use(session.sessionId)
        const args = { command, timeout_ms: longest.seconds * 1000, ...(cwd === undefined ? {} : { cwd }) }
        const id = yield* startIn(session, (request) =>
          withRequestContext(request)(registry.callTool(session.sessionId, "shell", args, "v0.12")))
        sendJson(exchange, 202, { id })
      })
  }
}

export const actionRoutes = (options: RoutesOptions): ReadonlyArray<PageRoute<SessionVisit>> => {
  const { addresses, limits, registry } = options
  const readAddress = readBody(Schema.Struct({ access: AccessField }), limits)
  return [
    runRoute(options),
    commandRoute(options),
    {
      method: "POST",
      path: /^\/api\/keep-alive$/,
      access: "steer",
      handle: ({ session }, exchange) =>
        Effect.gen(function*() {
          yield* registry.use(session.sessionId)
          sendJson(exchange, 200, { idleSecondsLeft: secondsLeft(session, yield* Clock.currentTimeMillis) })
        })
    },
    {
      method: "POST",
      path: /^\/api\/addresses$/,
      access: "steer",
      handle: ({ access, session }, exchange) =>
        Effect.gen(function*() {
          const wanted = yield* readAddress(exchange)
          yield* mustSteer(access)
          sendJson(exchange, 200, { url: yield* addresses.ofSession(session, wanted.access) })
        })
    },
    {
      method: "DELETE",
      path: /^\/api\/session$/,
      access: "steer",
      handle: ({ session }, exchange) =>
        Effect.map(registry.releaseAsync(session.sessionId), () => sendJson(exchange, 202, {}))
    }
  ]
}
