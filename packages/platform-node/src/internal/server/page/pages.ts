/** The pages of the runtime and its sessions, assembled: their addresses, and the site that serves them. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"
import type { Site } from "../http/httpServer.js"
import { PageAccess } from "./access/pageAccess.js"
import { pageHost, runtimeTarget } from "./access/pageHosts.js"
import * as bundles from "./http/bundle.js"
import type { Addresses, PagesOptions } from "./http/pageOptions.js"
import * as pageSite from "./pageSite.js"
import * as runtimeRoutes from "./routes/runtimeRoutes.js"
import * as sessionRoutes from "./routes/sessionRoutes.js"

export interface Pages {
  readonly addresses: Addresses
  readonly site: Site
  /** Closes the pages when the server stops. */
  readonly onStop: Effect.Effect<void>
}

const addressesOf = (access: PageAccess, port: () => number): Addresses => ({
  ofSession: (session, kind) =>
    Effect.map(access.issue(session, kind), (code) => {
      const { resourceId, sessionId } = session
      return `http://${pageHost({ kind: "session", sessionId }, port())}/?resourceId=${resourceId}&authcode=${code}`
    }),
  ofRuntime: (kind) =>
    Effect.map(access.issueForRuntime(kind), (code) => `http://${pageHost(runtimeTarget, port())}/?authcode=${code}`)
})

const wrongUpgrade = new ApiError({ status: 404, code: "NotFound", message: "there is nothing to upgrade to" })

export const make = (options: PagesOptions): Effect.Effect<Pages> =>
  Effect.gen(function*() {
    const access = new PageAccess()
    const addresses = addressesOf(access, options.port)
    const bundle = bundles.make(options.folder)
    const session = yield* sessionRoutes.make({ ...options, addresses, bundle })
    const runtime = yield* runtimeRoutes.make({ ...options, addresses, bundle })
    const site = pageSite.make(access, {
      handle: ({ access, host, place }, exchange) => {
        if (place.kind === "session") return session.handle({ session: place.session, access, host }, exchange)
        return place.kind === "runtime" ? runtime.handle({ access, host }, exchange) : Effect.void
      },
      upgrade: ({ access, host, place }, request) => {
        if (place.kind === "session") return session.upgrade({ session: place.session, access, host }, request)
        return place.kind === "runtime" ? runtime.upgrade({ access, host }, request) : Effect.fail(wrongUpgrade)
      }
    })
    return { addresses, site, onStop: Effect.zipRight(session.onStop, runtime.onStop) }
  })
