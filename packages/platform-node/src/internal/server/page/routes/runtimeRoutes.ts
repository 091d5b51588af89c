/** The routes of the runtime's page: the list of its live sessions. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { WebSocket } from "ws"
import type { Exchange } from "../../http/exchange.js"
import type { UpgradeRequest } from "../../http/httpServer.js"
import { close, closeCodes, makeWebSocketServer } from "../../http/webSockets.js"
import type { Access } from "../access/doors.js"
import { AccessField, readBody } from "../http/pageBody.js"
import type { RoutesOptions } from "../http/pageOptions.js"
import { sendJson } from "../http/pageReply.js"
import { dispatch, mustSteer, type PageRoute } from "../http/pageRoute.js"
import { onlySends, open } from "../live/liveUpgrade.js"
import { runtimeView } from "../session/sessionView.js"
import { documentRoutes } from "./documentRoutes.js"

export interface RuntimeVisit {
  readonly access: Access
  readonly host: string
}

const intervalMs = 1000

const maxPages = 64

const tooManyPages = new ApiError({ status: 429, code: "Throttling.Pages", message: "this runtime has too many pages" })

const nothingToUpgrade = new ApiError({ status: 404, code: "NotFound", message: "there is nothing to upgrade to" })

/** A page that has not read the last list does not get the next. */
const maxUnread = 64 * 1024

/** Tells pages about the sessions while any is open. */
const makeList = (view: () => Promise<object>) => {
  const pages = new Set<WebSocket>()
  let timer: NodeJS.Timeout | undefined
  let last = ""

  const tell = async () => {
    const text = JSON.stringify({ type: "runtime", ...await view() })
    const isNew = withoutClock(text) !== withoutClock(last)
    last = text
    if (!isNew) return
    for (const page of pages) if (page.bufferedAmount < maxUnread) page.send(text)
  }

  return {
    isFull: () => pages.size >= maxPages,
    add: (page: WebSocket) => {
      pages.add(page)
      timer ??= setInterval(() => void tell(), intervalMs).unref()
      void view().then((now) => page.send(JSON.stringify({ type: "runtime", ...now })))
      page.once("close", () => {
        pages.delete(page)
        if (pages.size > 0) return
        clearInterval(timer)
        timer = undefined
      })
    },
    closeAll: () => {
      for (const page of pages) close(page, closeCodes.goingAway, "the server is about to end")
    }
  }
}

/** The time of the list is no news. */
const withoutClock = (text: string): string => text.replace(/"now":\d+/, "")

const routesOf = (
  { addresses, bundle, facts, limits, registry }: RoutesOptions
): ReadonlyArray<PageRoute<RuntimeVisit>> => {
  const readAddress = readBody(Schema.Struct({ sessionId: Schema.String, access: AccessField }), limits)
  return [
    ...documentRoutes(bundle, "runtime"),
    {
      method: "GET",
      path: /^\/api\/runtime$/,
      access: "read",
      handle: (_, exchange) =>
        Effect.zipWith(
          registry.running,
          Clock.currentTimeMillis,
          (sessions, now) => sendJson(exchange, 200, runtimeView(sessions, facts, now))
        )
    },
    {
      method: "POST",
      path: /^\/api\/addresses$/,
      access: "read",
      handle: ({ access }, exchange) =>
        Effect.gen(function*() {
          const wanted = yield* readAddress(exchange)
          if (wanted.access === "steer") yield* mustSteer(access)
          const session = yield* registry.get(wanted.sessionId)
          sendJson(exchange, 200, { url: yield* addresses.ofSession(session, wanted.access) })
        })
    }
  ]
}

export const make = (options: RoutesOptions) =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime<never>()
    const { facts, limits, registry } = options
    const view = Effect.zipWith(registry.running, Clock.currentTimeMillis, (sessions, now) =>
      runtimeView(sessions, facts, now))
    const list = makeList(() =>
      Runtime.runPromise(runtime)(view)
    )
    const server = makeWebSocketServer(1024)
    const routes = routesOf(options)
    return {
      handle: (visit: RuntimeVisit, exchange: Exchange) => dispatch(routes, visit, exchange),
      upgrade: (_visit: RuntimeVisit, request: UpgradeRequest): Effect.Effect<void, ApiError> => {
        if (request.target.path !== "/api/live") return Effect.fail(nothingToUpgrade)
        if (list.isFull()) return Effect.fail(tooManyPages)
        return Effect.map(open(server, request, limits.heartbeat), (socket) => {
          onlySends(socket)
          list.add(socket)
        })
      },
      onStop: Effect.sync(list.closeAll)
    }
  })
