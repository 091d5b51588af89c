/** Makes one call, ends its layer, and says what still keeps the process alive. */
import * as AgbClient from "@effect-agb/core/AgbClient"
import * as NodeAgb from "@effect-agb/platform-node/NodeAgb"
import * as Effect from "effect/Effect"

const program = Effect.flatMap(AgbClient.AgbClient, ({ getSession }) => Effect.ignore(getSession({ sessionId: "s-1" })))

const alive = /Timeout|TCP|TLS|Connect/

/** Lets sockets that were destroyed close. */
const turns = Effect.repeatN(Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void))), 4)

await Effect.runPromise(Effect.zipRight(Effect.provide(program, NodeAgb.layerConfig()), turns))
process.stdout.write(JSON.stringify(process.getActiveResourcesInfo().filter((name) => alive.test(name))))
