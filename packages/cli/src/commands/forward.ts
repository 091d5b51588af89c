/** `agb forward`: a port of a session as a port of this machine. */
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { note, printJson, printLine } from "../output/write.js"
import { inExisting } from "../session/backend.js"
import * as options from "../session/options.js"

const config = {
  port: Args.integer({ name: "port" }).pipe(
    Args.withDescription("TCP port in the session; the cloud has 30100 to 30199")
  ),
  localPort: Options.integer("local-port").pipe(
    Options.withAlias("p"),
    Options.withDescription("port of this machine; otherwise any free one"),
    Options.optional
  ),
  session: Options.text("session").pipe(
    Options.withAlias("s"),
    Options.withSchema(Schema.NonEmptyString),
    Options.withDescription("id of the session")
  ),
  ...options.existing
}

export const forward = Command.make(
  "forward",
  config,
  (given) =>
    inExisting(given, given.session, (session) =>
      Effect.gen(function*() {
        const localPort = Option.getOrUndefined(given.localPort)
        const { port, url } = yield* NodeAgb.forward(session, given.port, { localPort })
        yield* given.json ? printJson({ url, port }) : printLine(url)
        if (process.stderr.isTTY) yield* note("Ctrl-C ends it")
        return yield* Effect.never
      }).pipe(Effect.scoped))
).pipe(
  Command.withDescription("Makes a port of a session a port of this machine, for HTTP and WebSockets, until Ctrl-C.")
)
