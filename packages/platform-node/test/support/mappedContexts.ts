/** A directory that sessions map to contexts, on a server that is spoken to in the words of the wire. */
import { Context, Effect, Layer } from "effect"
import { best } from "./runtime.js"
import { startWire, type WireClient } from "./wireClient.js"

const Wire = Context.GenericTag<WireClient>("Wire")

export const overWire = Layer.scoped(Wire, startWire())

export const promise = <A>(work: (wire: WireClient) => Promise<A>) =>
  Effect.flatMap(Wire, (wire) => Effect.promise(() => work(wire)))

/** The directory, as the wire names it. */
export const path = "/tmp/mapped"

/** The same, as a shell in a session names it. */
export const folder = best.level !== "namespaces" ? "\"$TMPDIR\"/mapped" : path
