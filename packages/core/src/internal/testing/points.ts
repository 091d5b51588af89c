/** Where on the wire a request is: its endpoint, and the tool that it calls. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { type EndpointName, endpoints } from "../../AgbApi.js"
import type { ToolName } from "../../AgbTools.js"
import type { Exchange } from "../client/transport/exchange.js"
import { parseJson } from "../wire/codecs.js"

/**
 * An endpoint of the API, a tool of a session by whatever route, the WebSocket of a session, or the content of a file on its way
 * to or from a URL.
 */
export type Point = EndpointName | ToolName | "webSocket" | "transfer"

const paths = Object.values(endpoints).map(({ method, name, path }) => ({ method, name: name as EndpointName, path }))

/** The link of a session has the tool in `tool`, the API in `name`. */
const toolOf = (body: string | undefined): unknown => {
  const call = Either.getOrUndefined(parseJson(body ?? ""))
  return Predicate.isRecord(call) ? call["tool"] ?? call["name"] : undefined
}

const endpointOf = ({ method, url }: Pick<Exchange<never>, "method" | "url">): EndpointName | undefined => {
  const { pathname } = new URL(url)
  if (pathname.endsWith("/callTool")) return "callTool"
  return paths.find((endpoint) => endpoint.method === method && pathname.endsWith(endpoint.path))?.name
}

/** The points of a request, the tool first. */
export const pointsOf = (request: Pick<Exchange<never>, "method" | "url" | "body">): ReadonlyArray<Point> => {
  const endpoint = endpointOf(request)
  if (endpoint === undefined) return []
  return endpoint === "callTool" ? [toolOf(request.body) as ToolName, endpoint] : [endpoint]
}
