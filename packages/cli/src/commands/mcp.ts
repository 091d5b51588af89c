/** `agb mcp`: a session as a server of the Model Context Protocol, for agents that start one. */
import * as AgbMcp from "@effect-agb/ai/AgbMcp"
import * as AgbToolkit from "@effect-agb/ai/AgbToolkit"
import * as Session from "@effect-agb/core/Session"
import { SessionRef } from "@effect-agb/core/SessionRef"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { UsageError } from "../failure.js"
import { backend, checkOwn, imageOf, labels, type SessionOptions } from "../session/backend.js"
import * as options from "../session/options.js"

/** Standard output belongs to the protocol. */
const checkJson = ({ json }: { readonly json: boolean }): Effect.Effect<void, UsageError> =>
  json
    ? new UsageError({ message: "agb mcp speaks its protocol on standard output, and takes no --json" })
    : Effect.void

/** A session of its own is created by the first call of a tool: an agent that needs none costs nothing. */
const toolsOf = ({ image, session }: Pick<SessionOptions, "image" | "session">) =>
  Option.match(session, {
    onNone: () => AgbToolkit.layerSession({ imageId: imageOf(image), labels }),
    onSome: (sessionId) =>
      Layer.provideMerge(
        AgbToolkit.layer(),
        Layer.scopedContext(
          Effect.map(Session.resume(new SessionRef({ sessionId, imageId: "" })), Session.toContext)
        )
      )
  })

export const mcp = Command.make("mcp", options.session, (given) =>
  checkJson(given).pipe(
    Effect.zipRight(checkOwn(given)),
    Effect.zipRight(AgbMcp.serveStdio()),
    Effect.provide(Layer.provide(toolsOf(given), backend(given)))
  )).pipe(
    Command.withDescription(
      "Serves a session to an agent over standard input and output, by the Model Context Protocol: tools for code, commands and " +
        "files. The session is created by the first call, and deleted when the agent ends."
    )
  )
