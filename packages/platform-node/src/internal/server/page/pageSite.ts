/** The site of the pages: lets in who has an address or a cookie of the page, and nobody else, then hands over to its routes. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import { type Exchange, parseTarget } from "../http/exchange.js"
import type { Site, UpgradeRequest } from "../http/httpServer.js"
import { stackFrames } from "../http/requestLog.js"
import { cookiesOf } from "../routes/linkCookies.js"
import type { Access } from "./access/doors.js"
import { isForeign, isPrefetch, refusalOf } from "./access/fetchMetadata.js"
import type { Entrance, PageAccess } from "./access/pageAccess.js"
import { pageHeaders } from "./access/pageHeaders.js"
import { type PageTarget, targetOf } from "./access/pageHosts.js"
import {
  htmlType,
  nothingHere,
  refuseUpgrade,
  sendError,
  sendGone,
  sendNothing,
  sendRefusal,
  sendReply
} from "./http/pageReply.js"

/** Somebody on a page. */
export interface Visit<Place extends Entrance = Entrance> {
  readonly place: Place
  readonly access: Access
  /** As the browser writes it. */
  readonly host: string
}

/** What is behind the door. */
export interface PageRoutes {
  readonly handle: (visit: Visit, exchange: Exchange) => Effect.Effect<void, ApiError>
  readonly upgrade: (visit: Visit, request: UpgradeRequest) => Effect.Effect<void, ApiError>
}

/** Browsers send the cookies of one port to all ports of a host, and the runtime's host is the same for all runtimes. */
const cookieName = (port: number): string => `agb_page_${port}`

/** Another program may have planted a cookie of the same name besides ours. */
const admitted = ({ door }: Entrance, { headers }: IncomingMessage, port: number, now: number): Access | undefined => {
  const found = cookiesOf(headers.cookie)
    .filter(([name]) => name === cookieName(port))
    .map(([, value]) => door.admit(value, now))
  return found.find((access) => access !== undefined)
}

const portOf = ({ socket }: IncomingMessage): number => socket.localPort ?? 0

const hostOf = ({ headers }: IncomingMessage): string => headers.host?.toLowerCase() ?? ""

/** A target in absolute form names the host as well. */
const namesOther = ({ headers, url }: IncomingMessage): boolean => {
  const { authority } = parseTarget(url)
  return authority !== undefined && authority.toLowerCase() !== headers.host?.toLowerCase()
}

const targetIn = (request: IncomingMessage): PageTarget | undefined =>
  namesOther(request) ? undefined : targetOf(request.headers.host, portOf(request))

/** The navigation itself comes from the page then, so that the browser sends the cookie. */
const onwards =
  "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url=/\">" +
  "<title>agb</title><p><a href=\"/\">Go on</a></html>"

const changes = (method: string): boolean => method !== "GET" && method !== "HEAD"

/** Exchanges the code of an address for a cookie, and leads to the page, whose address has no code. */
const enter = (exchange: Exchange, { door }: Entrance, code: string, now: number): void => {
  const { request, response } = exchange
  const cookie = door.redeem(code, now)
  if (cookie === undefined) return sendNothing(exchange)
  response.setHeader("set-cookie", `${cookieName(portOf(request))}=${cookie}; Path=/; HttpOnly; SameSite=Strict`)
  leadToPage(exchange)
}

const leadToPage = (exchange: Exchange): void =>
  isForeign(exchange.request)
    ? sendReply(exchange, 200, htmlType, onwards)
    : sendReply(exchange, 303, htmlType, "", { location: "/" })

const internalError = new ApiError({ status: 500, code: "InternalError", message: "the server failed" })

/** Defects are logged without what they quote. */
const withoutDefects = (handled: Effect.Effect<void, ApiError>): Effect.Effect<void, ApiError> =>
  Effect.catchAllDefect(
    handled,
    (defect) => Effect.zipRight(Effect.logError(`A page met a defect: ${stackFrames(defect)}`), internalError)
  )

const handle = (access: PageAccess, routes: PageRoutes, exchange: Exchange, now: number): Effect.Effect<void> => {
  const { authenticated, method, path, query, request } = exchange
  const target = targetIn(request)
  const place = target && access.find(target, now)
  if (place === undefined) return Effect.sync(() => sendNothing(exchange))
  const code = method === "GET" && path === "/" ? query.get("authcode") : null
  const isEntry = code !== null && place.kind !== "ended" && !isPrefetch(request) && place.door.hasCode(code, now)
  const may = admitted(place, request, portOf(request), now)
  if (may === undefined && !isEntry) return Effect.sync(() => sendNothing(exchange))
  const refusal = refusalOf(request, hostOf(request), { isEntry, needsOrigin: changes(method) })
  if (refusal !== undefined) return Effect.sync(() => sendRefusal(exchange, refusal))
  authenticated()
  if (isEntry) return Effect.sync(() => enter(exchange, place, code, now))
  if (code !== null) return Effect.sync(() => leadToPage(exchange))
  if (place.kind === "ended") return Effect.sync(() => sendGone(exchange, place.reason))
  return withoutDefects(routes.handle({ place, access: may ?? "read", host: hostOf(request) }, exchange)).pipe(
    Effect.catchTag("ApiError", (error) => Effect.sync(() => sendError(exchange, error)))
  )
}

const upgrade = (
  access: PageAccess,
  routes: PageRoutes,
  upgrade: UpgradeRequest,
  now: number
): Effect.Effect<void> => {
  const { authenticated, request, socket } = upgrade
  const headers = pageHeaders(hostOf(request))
  const refuse = (status: number, text: string) => Effect.sync(() => refuseUpgrade(socket, status, text, headers))
  const target = targetIn(request)
  const place = target && access.find(target, now)
  const may = place && admitted(place, request, portOf(request), now)
  if (place === undefined || may === undefined) return refuse(404, nothingHere)
  const refusal = refusalOf(request, hostOf(request), { needsOrigin: true })
  if (refusal !== undefined) return refuse(403, refusal)
  authenticated()
  if (place.kind === "ended") return refuse(410, `The session has ended: ${place.reason}.`)
  return withoutDefects(routes.upgrade({ place, access: may, host: hostOf(request) }, upgrade)).pipe(
    Effect.catchTag("ApiError", ({ message, status }) => refuse(status, message))
  )
}

export const make = (access: PageAccess, routes: PageRoutes): Site => ({
  isHost: (host, port) => targetOf(host, port) !== undefined,
  prepare: ({ request, response }) => {
    for (const [name, value] of Object.entries(pageHeaders(hostOf(request)))) response.setHeader(name, value)
  },
  route: {
    matches: () => true,
    name: () => "page",
    endsOnDisconnect: () => true,
    handle: (exchange) => Effect.flatMap(Clock.currentTimeMillis, (now) => handle(access, routes, exchange, now))
  },
  upgrade: (request) => Effect.flatMap(Clock.currentTimeMillis, (now) => upgrade(access, routes, request, now))
})
