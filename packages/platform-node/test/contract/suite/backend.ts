/** What the contract is tried on, and how a test of it is written down. */
import type { Agb, AgbTools } from "@effect-agb/core"
import type { Effect, Layer, Scope } from "effect"

export interface Backend {
  readonly layer: Layer.Layer<Agb.Agb, unknown>
  /** `virtual` when the server lives under Effect's clock. */
  readonly clock: "virtual" | "live"
  /** What code it runs. */
  readonly languages: ReadonlyArray<AgbTools.Language>
  /** How many requests the server has seen, when it can be asked. */
  readonly requests?: () => number
  /** How many sessions one test may make. */
  readonly crowd: number
  /** Whether to leave out what does not happen inside a session. */
  readonly insideOnly?: boolean
}

type Body = () => Effect.Effect<void, unknown, Agb.Agb | Scope.Scope>

export type Test = ((title: string, body: Body) => void) & {
  /** Counted as skipped, under a name that says what was not run. */
  readonly skip: (title: string) => void
}

export type Contract = (test: Test, backend: Backend) => void

export const imageId = "agb-code-space-1"
