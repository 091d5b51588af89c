/** The local runtimes that this machine can run, as root or as anybody, and the names of those that it cannot. */
import type { AgbTools } from "@effect-agb/core"
import { Isolation, LocalAgb } from "@effect-agb/platform-node"
import type { Layer } from "effect"
import { Effect } from "effect"

export interface Runtime {
  readonly name: string
  readonly isolation: Isolation.Isolation
}

const namespaces = await Effect.runPromise(Isolation.probeAll)

export const none = await Effect.runPromise(Isolation.probe("none"))

/** Every isolation that works here, best first, and none at all, in words. */
export const runtimes: ReadonlyArray<Runtime> = [
  ...namespaces.map((isolation) => ({
    name: `${isolation.mechanism}, ${isolation.confinement._tag === "Unconfined" ? "" : isolation.confinement.entry}`,
    isolation
  })),
  { name: "no isolation", isolation: none }
]

/** What cannot be tried on this machine. */
export const missingMechanisms: ReadonlyArray<string> = (["bwrap", "unshare"] as const).filter((mechanism) =>
  namespaces.every((isolation) => isolation.mechanism !== mechanism)
)

/** What tests take when any isolation will do: the best there is, else none. */
export const best: Isolation.Isolation = namespaces[0] ?? none

/** Most tests use one session, and none waits in vain for the next. */
const small = { poolSize: 0, limits: { workspaceBytes: 64 * 2 ** 20 } }

export const layerWith = (isolation: Isolation.Isolation, options: LocalAgb.Options = {}) =>
  LocalAgb.layer({ ...small, isolation, ...options })

/** What code sessions of this isolation run. */
export const languagesOf = (isolation: Isolation.Isolation): Promise<ReadonlyArray<AgbTools.Language>> =>
  Effect.runPromise(
    Effect.map(LocalAgb.LocalAgb, ({ languages }) => languages).pipe(
      Effect.provide(LocalAgb.layerServer({ ...small, isolation })),
      Effect.orElseSucceed(() => [])
    )
  )

export const serverLayer = (options: LocalAgb.Options = {}): Layer.Layer<LocalAgb.LocalAgb, LocalAgb.StartError> =>
  LocalAgb.layerServer({ ...small, isolation: best, ...options })
