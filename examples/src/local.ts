// The local runtime for these examples. Their code is ours, so where no isolation can be had they say so and go on.
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

export const local = Layer.unwrapEffect(Effect.map(isolation, (isolation) => LocalAgb.layer({ isolation })))
