// The local runtime of these examples. They run only their own code, so where no isolation is available they print a warning and
// go on without.
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { Console, Effect, Layer } from "effect"

const wanted = (process.env["AGB_ISOLATION"] ?? "auto") as "auto" | "namespaces" | "landlock" | "none"

const isolation = Isolation.probe(wanted).pipe(
  Effect.as(wanted),
  Effect.catchTag(
    "SandboxUnavailableError",
    (error) =>
      Effect.as(
        Console.error(`!!! NO ISOLATION: the code of this example runs as you. ${error.message}`),
        "none" as const
      )
  )
)

/** For programs of several processes. */
export const server = Layer.unwrapEffect(
  Effect.map(isolation, (isolation) => LocalAgb.layerServer({ isolation }))
)

export const local = Layer.unwrapEffect(Effect.map(isolation, (isolation) => LocalAgb.layer({ isolation })))
