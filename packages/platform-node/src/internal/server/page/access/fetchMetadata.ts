/** Whether a request to a page's host comes from that page, by what a browser says of it: Origin and fetch metadata. */
import type { IncomingMessage } from "node:http"

/** Headers that programs interpret differently when they are repeated. */
const unrepeatable = ["host", "origin", "content-length", "content-type", "sec-fetch-site", "sec-fetch-mode"] as const

const isAmbiguous = ({ headersDistinct }: IncomingMessage): boolean =>
  unrepeatable.some((name) => (headersDistinct[name]?.length ?? 0) > 1)

const isOwnOrigin = (origin: string, host: string): boolean => origin.toLowerCase() === `http://${host.toLowerCase()}`

/** Programs other than browsers do not send the header. */
const siteOf = ({ headers }: IncomingMessage): string => headers["sec-fetch-site"]?.toString() ?? "none"

const isOfPage = (request: IncomingMessage): boolean => ["same-origin", "none"].includes(siteOf(request))

/**
 * Why a request is refused; undefined where it is not. What changes something must name its origin, and so must a WebSocket,
 * which browsers open to any host. Another site may lead to the page by an address with a code, and do nothing else.
 */
export const refusalOf = (
  request: IncomingMessage,
  host: string,
  { isEntry = false, needsOrigin = false }: { readonly isEntry?: boolean; readonly needsOrigin?: boolean } = {}
): string | undefined => {
  const { origin } = request.headers
  if (isAmbiguous(request)) return "a header must not be repeated"
  if (origin === undefined ? needsOrigin : !isOwnOrigin(origin, host)) return "this page answers to itself only"
  const mayBeForeign = isEntry && [undefined, "navigate"].includes(request.headers["sec-fetch-mode"]?.toString())
  return mayBeForeign || isOfPage(request) ? undefined : "this page answers to itself only"
}

/** Whether another site has led here: a browser then sends no cookie with `SameSite=Strict` after a redirect. */
export const isForeign = (request: IncomingMessage): boolean => !isOfPage(request)

/** Whether a browser only prepares for what a person may do later. */
export const isPrefetch = ({ headers }: IncomingMessage): boolean =>
  [headers["sec-purpose"], headers["purpose"], headers["x-moz"], headers["x-purpose"]]
    .some((purpose) => purpose !== undefined && /prefetch|prerender|preview/i.test(String(purpose)))
