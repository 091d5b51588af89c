/** What the pages are made from. */
import type * as Effect from "effect/Effect"
import type { ServerLimits } from "../../http/serverLimits.js"
import type { LocalSession } from "../../sessions/localSession.js"
import type { SessionRegistry } from "../../sessions/registry.js"
import type { ReplyThread } from "../../sessions/replyThread.js"
import type { Access } from "../access/doors.js"
import type { RuntimeFacts } from "../session/sessionView.js"
import type { Bundle } from "./bundle.js"

export interface PagesOptions {
  readonly registry: SessionRegistry
  readonly replies: ReplyThread
  readonly limits: ServerLimits
  readonly facts: RuntimeFacts
  /** The port of the server, once it listens. */
  readonly port: () => number
  /** Where the document and its assets are. Default: `dist/page` of this package. */
  readonly folder?: string | undefined
}

/** The addresses of pages: each works once. */
export interface Addresses {
  readonly ofSession: (session: LocalSession, access: Access) => Effect.Effect<string>
  readonly ofRuntime: (access: Access) => Effect.Effect<string>
}

/** What the routes are made from. */
export interface RoutesOptions extends PagesOptions {
  readonly addresses: Addresses
  readonly bundle: Effect.Effect<Bundle>
}
