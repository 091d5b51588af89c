/** The document of a page and its assets. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { Access } from "../access/doors.js"
import { immutable } from "../access/pageHeaders.js"
import type { PageTarget } from "../access/pageHosts.js"
import type { Bundle } from "../http/bundle.js"
import { htmlType, sendReply } from "../http/pageReply.js"
import type { PageRoute } from "../http/pageRoute.js"

const noAsset = new ApiError({ status: 404, code: "NotFound", message: "the page has no such asset" })

export const documentRoutes = (
  bundle: Effect.Effect<Bundle>,
  kind: PageTarget["kind"]
): ReadonlyArray<PageRoute<{ readonly access: Access }>> => [
  {
    method: "GET",
    path: /^\/$/,
    access: "read",
    handle: (_, exchange) => Effect.map(bundle, ({ document }) => sendReply(exchange, 200, htmlType, document(kind)))
  },
  {
    method: "GET",
    path: /^\/assets\/([^/]+)$/,
    access: "read",
    handle: (_, exchange, [name = ""]) =>
      Effect.flatMap(bundle, ({ asset }) => asset(name)).pipe(
        Effect.flatMap((asset) =>
          asset === undefined
            ? Effect.fail(noAsset)
            : Effect.sync(() => sendReply(exchange, 200, asset.type, asset.bytes, immutable))
        )
      )
  }
]
