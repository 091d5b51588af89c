/** The routes of a session's page. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Exchange } from "../../http/exchange.js"
import type { UpgradeRequest } from "../../http/httpServer.js"
import { makeWebSocketServer } from "../../http/webSockets.js"
import type { LocalSession } from "../../sessions/localSession.js"
import { shownResult } from "../../timeline/recording.js"
import { frameHeaders } from "../access/pageHeaders.js"
import type { RoutesOptions } from "../http/pageOptions.js"
import { htmlType, sendJson, sendReply } from "../http/pageReply.js"
import { dispatch, type PageRoute, type SessionVisit } from "../http/pageRoute.js"
import { LiveSessions } from "../live/live.js"
import { framedContent } from "../live/liveFrames.js"
import { onlySends, open } from "../live/liveUpgrade.js"
import { readMetrics } from "../session/metrics.js"
import { secondsLeft, sessionView } from "../session/sessionView.js"
import { actionRoutes } from "./actionRoutes.js"
import { documentRoutes } from "./documentRoutes.js"
import { fileRoutes } from "./fileRoutes.js"
import { frameDocument, sentDocument } from "./frameDocument.js"
import { processRoutes } from "./processRoutes.js"
import { serveTerminal } from "./terminal.js"

/** WebSockets of one session: pages and terminals. */
const maxPages = 64

const tooManyPages = new ApiError({ status: 429, code: "Throttling.Pages", message: "this session has too many pages" })

const nothingToUpgrade = new ApiError({ status: 404, code: "NotFound", message: "there is nothing to upgrade to" })

const noFrame = new ApiError({ status: 404, code: "NotFound", message: "this is not kept any more" })

export const ended = ({ endReason = "it has ended" }: LocalSession) =>
  new ApiError({ status: 410, code: "Session.Ended", message: `The session has ended: ${endReason}.` })

/** What a session displays as HTML or SVG, as a document of no origin. */
const frameRoute: PageRoute<SessionVisit> = {
  method: "GET",
  path: /^\/frames\/(e\d{1,15})-(\d{1,6})$/,
  access: "read",
  handle: ({ host, session: { timeline } }, exchange, [id = "", index = ""]) =>
    Effect.suspend(() => {
      const recording = timeline.find(id)
      if (recording !== undefined) timeline.read(recording)
      const result = recording?.view().results[Number(index)]
      const content = result === undefined ? undefined : framedContent(shownResult(result))
      if (content === undefined) return Effect.fail(noFrame)
      return Effect.sync(() => sendReply(exchange, 200, htmlType, frameDocument(content), frameHeaders(host)))
    })
}

/** For what the page itself has as HTML. */
const sentFrameRoute: PageRoute<SessionVisit> = {
  method: "GET",
  path: /^\/frames\/sent$/,
  access: "read",
  handle: ({ host }, exchange) =>
    Effect.sync(() => sendReply(exchange, 200, htmlType, sentDocument, frameHeaders(host)))
}

const routesOf = (options: RoutesOptions): ReadonlyArray<PageRoute<SessionVisit>> => [
  ...documentRoutes(options.bundle, "session"),
  frameRoute,
  sentFrameRoute,
  {
    method: "GET",
    path: /^\/api\/session$/,
    access: "read",
    handle: ({ access, session }, exchange) =>
      Effect.map(
        Clock.currentTimeMillis,
        (now) => sendJson(exchange, 200, sessionView(session, access, options.facts, now))
      )
  },
  ...actionRoutes(options),
  ...fileRoutes(options),
  ...processRoutes(options)
]

const fromOf = ({ query }: UpgradeRequest["target"]): number | undefined => {
  const text = query.get("from") ?? ""
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export const make = (options: RoutesOptions) =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime<never>()
    const clock = yield* Effect.clock
    const run = Runtime.runPromise(runtime)
    const lives = new LiveSessions()
    const live = makeWebSocketServer(1024)
    const terminals = makeWebSocketServer(64 * 1024)
    const routes = routesOf(options)
    const now = () => clock.unsafeCurrentTimeMillis()

    const liveOf = (session: LocalSession) =>
      lives.of(session, (session) => ({
        describe: (access) => sessionView(session, access, options.facts, now()),
        secondsLeft: () => secondsLeft(session, now()),
        readMetrics: () => run(readMetrics(session, options.facts, now)),
        readReply: (reply) => run(options.replies.contents(reply))
      }))

    const upgradeLive = ({ access, session }: SessionVisit, request: UpgradeRequest) =>
      Effect.gen(function*() {
        if (lives.size(session) >= maxPages) return yield* tooManyPages
        const socket = yield* open(live, request, options.limits.heartbeat)
        onlySends(socket)
        const pages = yield* liveOf(session)
        pages.add(socket, access, fromOf(request.target))
      })

    return {
      handle: (visit: SessionVisit, exchange: Exchange) =>
        visit.session.status === "RUNNING" ? dispatch(routes, visit, exchange) : Effect.fail(ended(visit.session)),
      upgrade: (visit: SessionVisit, request: UpgradeRequest): Effect.Effect<void, ApiError> => {
        if (visit.session.status !== "RUNNING") return Effect.fail(ended(visit.session))
        switch (request.target.path) {
          case "/api/live":
            return upgradeLive(visit, request)
          case "/api/terminal":
            return serveTerminal(visit, request, terminals, options.limits.heartbeat)
          default:
            return Effect.fail(nothingToUpgrade)
        }
      },
      onStop: Effect.sync(() => lives.closeAll())
    }
  })
