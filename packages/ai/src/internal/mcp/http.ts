/** The server over HTTP: one message a POST, for those who have the token. */
import * as Headers from "@effect/platform/Headers"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as RpcServer from "@effect/rpc/RpcServer"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Cancellation } from "./cancellation.js"

/** Of its own, so that other servers of the program do not serve these routes. */
class Router extends HttpRouter.Tag("@effect-agb/ai/internal/mcp/Router")<Router>() {}

export const layerProtocol = (path: HttpRouter.PathInput) => RpcServer.layerProtocolHttp({ path, routerTag: Router })

export interface Access {
  readonly token: Redacted.Redacted<string>
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
}

/** Constant-time comparison: how long it takes tells only of the length of what was given. */
const constantTimeEquals = (given: string, expected: string): boolean => {
  let difference = given.length ^ expected.length
  for (let index = 0; index < given.length; index++) {
    difference |= given.charCodeAt(index) ^ expected.charCodeAt(index % expected.length)
  }
  return difference === 0
}

const loopback = ["localhost", "127.0.0.1", "[::1]"]

const hostName = (host: string): string => host.replace(/:\d+$/, "").toLowerCase()

/** What is refused, and why; undefined for what may pass. */
const refusal = ({ allowedHosts = [], allowedOrigins = [], token }: Access, headers: Headers.Headers) => {
  const header = (name: string) => Option.getOrUndefined(Headers.get(headers, name))
  const refuse = (status: number, text: string) => HttpServerResponse.text(text, { status })
  const host = hostName(header("host") ?? "")
  if (!loopback.includes(host) && !allowedHosts.some((name) => name.toLowerCase() === host)) {
    return refuse(403, "the Host header must name this server")
  }
  const origin = header("origin")
  if (origin !== undefined && !allowedOrigins.includes(origin)) {
    return refuse(403, "pages of this origin are not served")
  }
  return constantTimeEquals(header("authorization") ?? "", `Bearer ${Redacted.value(token)}`)
    ? undefined
    : HttpServerResponse.setHeader(refuse(401, "the token is missing or wrong"), "www-authenticate", "Bearer")
}

/** This server sends nothing of its own accord, so that there is nothing to GET. */
const misdirected = (path: string, { method, url }: HttpServerRequest.HttpServerRequest) => {
  if (url.split("?")[0] !== path) return HttpServerResponse.empty({ status: 404 })
  return method === "POST" ? undefined : HttpServerResponse.empty({ status: 405, headers: { allow: "POST" } })
}

/** Notifications have no answer. */
const accepted = (response: HttpServerResponse.HttpServerResponse) =>
  response.status === 200 && response.body._tag === "Uint8Array" && response.body.contentLength === 0
    ? HttpServerResponse.empty({ status: 202 })
    : response

const maxBodyBytes = 64 * 2 ** 20

const guarded = <E, R>(path: string, access: Access, app: HttpApp.Default<E, R>) => {
  const cancellable = new Cancellation().wrap(app)
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const refused = refusal(access, request.headers) ?? misdirected(path, request)
    if (refused !== undefined) return refused
    return accepted(yield* HttpServerRequest.withMaxBodySize(cancellable, Option.some(maxBodyBytes)))
  })
}

export const layerServer = (path: string, access: Access): Layer.Layer<never, never, HttpServer.HttpServer> =>
  // The only route needs none of the services that routes may ask for.
  Router.unwrap((router) => HttpServer.serve(guarded(path, access, router as HttpApp.Default<unknown>)))
