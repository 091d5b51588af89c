/** A local runtime, and what a program needs to reach it: an address and a key. */
import { LocalAgb } from "@effect-agb/platform-node"
import { AGB } from "@effect-agb/platform-node/compat"
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { serverLayer } from "../../support/runtime.js"

export interface Runtime {
  readonly apiKey: string
  readonly endpoint: string
  readonly agb: AGB
  readonly stop: () => Promise<void>
}

export const startRuntime = async (options: LocalAgb.Options = {}): Promise<Runtime> => {
  const scope = Effect.runSync(Scope.make())
  const context = await Effect.runPromise(Scope.extend(Layer.build(serverLayer(options)), scope))
  const { apiKey: secret, endpoint } = Context.get(context, LocalAgb.LocalAgb)
  const apiKey = Redacted.value(secret)
  const agb = new AGB({ apiKey, config: { endpoint } })
  const stop = async () => {
    await agb.dispose()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
  return { apiKey, endpoint, agb, stop }
}

/** A session of a test, or the test has failed. */
export const sessionOf = async (agb: AGB, params: object = {}) => {
  const result = await agb.create({ imageId: "agb-code-space-1", ...params })
  if (!result.session) throw new Error(result.errorMessage)
  return result.session
}

/** The names of the fields that an official result has, sorted. */
export const namesOf = (result: object): ReadonlyArray<string> => Object.keys(result).sort()
