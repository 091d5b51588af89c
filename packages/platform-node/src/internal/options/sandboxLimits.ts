/** The option `limits` of a runtime: what one session may use. */
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SandboxLimits } from "../sandbox/confine/rootfs.js"
import { integer, seconds } from "./scalars.js"

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

const ranges = {
  workspaceBytes: { default: 512 * mebibyte, min: mebibyte, max: 1024 * gibibyte },
  memoryBytes: { default: 2 * gibibyte, min: 64 * mebibyte, max: 1024 * gibibyte },
  processes: { default: 512, min: 16, max: 65_536 },
  outputBytes: { default: mebibyte, min: 1024, max: 16 * mebibyte }
}

type Options = { readonly [K in keyof typeof ranges]?: number | undefined } & {
  readonly longestCall?: Duration.DurationInput | undefined
}

/** The longest delay that a timer of Node can have. */
const longestTimer = 2 ** 31 - 1

export const resolveSandboxLimits = (options: Options = {}): Effect.Effect<SandboxLimits, ConfigurationError> => {
  const size = (name: keyof typeof ranges) => integer(`limits.${name}`, options[name], ranges[name])
  return Effect.all({
    workspaceBytes: size("workspaceBytes"),
    memoryBytes: size("memoryBytes"),
    processes: size("processes"),
    outputBytes: size("outputBytes"),
    longestCallMillis: Effect.map(
      seconds("limits.longestCall", options.longestCall ?? "24 hours"),
      (longest) => Math.min(longest * 1000, longestTimer)
    )
  })
}
