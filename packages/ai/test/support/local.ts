/** The local runtime, with the best isolation of this machine. */
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import { Effect } from "effect"

export const isolation = (await Effect.runPromise(Isolation.probeAll))[0] ??
  await Effect.runPromise(Isolation.probe("none"))

export const local = LocalAgb.layer({ isolation, poolSize: 0, limits: { workspaceBytes: 64 * 2 ** 20 } })

export const params = { imageId: "agb-code-space-1" }
