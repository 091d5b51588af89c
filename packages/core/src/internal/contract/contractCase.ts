/** How a case of the contract is written down. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Agb } from "../../Agb.js"
import type { Language } from "../../AgbTools.js"

export interface Backend {
  /** How many sessions one case may have at the same time. */
  readonly crowd: number
  /** The files of this machine, for transfers. */
  readonly fileSystem: Layer.Layer<FileSystem.FileSystem> | undefined
  /** How many trees of files transfers move. */
  readonly trees: number
}

export type Test = (
  name: string,
  body: () => Effect.Effect<void, unknown, Agb | Scope.Scope>,
  needs?: Language
) => void

export type Contract = (test: Test, backend: Backend) => void

export const imageId = "agb-code-space-1"

/** Commands that are not about time must not fail on a slow machine. */
export const patient = { timeout: "30 seconds" } as const
