/** The platform over a session of the local runtime: with all that it offers, and with nothing but the tools of the wire. */
import { Agb, AgbConfig, Session, SessionPlatform, Transport } from "@effect-agb/core"
import { LocalAgb, NodeAgb } from "@effect-agb/platform-node"
import { Effect, Layer } from "effect"
import { best, layerWith, none, serverLayer } from "./runtime.js"

const session = Session.layer({ imageId: "agb-code-space-1" })

/** Without it, files go through the tools. */
const withoutTransfers = Layer.effect(
  Transport.Transport,
  Effect.map(Transport.Transport, ({ transfer: _, ...others }) => others)
).pipe(Layer.provide(NodeAgb.layerTransport))

const config = Layer.unwrapEffect(
  Effect.map(LocalAgb.LocalAgb, ({ apiKey, endpoint }) => AgbConfig.layer({ apiKey, endpoint }))
)

const wireOnly = Agb.layerTransport.pipe(
  Layer.provide(withoutTransfers),
  Layer.provide(config),
  Layer.provide(serverLayer())
)

const overSession = SessionPlatform.layer.pipe(Layer.provideMerge(session))

/** Whose file tools reach less than its commands. */
export const withoutIsolation = Layer.provide(overSession, layerWith(none))

export const backends = [
  { name: "all that the local runtime offers", layer: layerWith(best) },
  { name: "the tools of the wire alone", layer: wireOnly }
].map(({ layer, name }) => ({
  name,
  layer: Layer.provide(overSession, layer)
}))
