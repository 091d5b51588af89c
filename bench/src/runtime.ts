// A local runtime for the benchmarks with the best isolation of this machine, else none, and says which.
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { Effect, Layer, ManagedRuntime } from "effect"

const options = Isolation.probe("auto").pipe(
  Effect.as<LocalAgb.Options>({}),
  Effect.orElseSucceed((): LocalAgb.Options => ({ isolation: "none" }))
)

const local = Layer.unwrapEffect(Effect.map(options, LocalAgb.layer))

export const startRuntime = async () => {
  const runtime = ManagedRuntime.make(local)
  const { isolation, languages } = await runtime.runPromise(LocalAgb.LocalAgb)
  return { runtime, mechanism: isolation.mechanism, languages }
}
