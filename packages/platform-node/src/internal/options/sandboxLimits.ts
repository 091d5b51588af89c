/** The option `limits` of a runtime: what one session may use. */
import type { ConfigurationError } from "@effect-agb/core/AgbError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { defaultLimits, type SandboxLimits } from "../sandbox/confine/rootfs.js"
import { checkNames } from "./knownNames.js"
import { integer, seconds } from "./scalars.js"

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

const ranges = {
  workspaceBytes: { default: defaultLimits.workspaceBytes, min: mebibyte, max: 1024 * gibibyte },
  memoryBytes: { default: defaultLimits.memoryBytes, min: 64 * mebibyte, max: 1024 * gibibyte },
  processes: { default: defaultLimits.processes, min: 16, max: 65_536 },
  outputBytes: { default: defaultLimits.outputBytes, min: 1024, max: 16 * mebibyte }
}

type Options = { readonly [K in keyof typeof ranges]?: number | undefined } & {
  readonly longestCall?: Duration.DurationInput | undefined
}

/** The longest delay that a timer of Node can have. */
const longestTimer = 2 ** 31 - 1

export const resolveSandboxLimits = (options: Options = {}): Effect.Effect<SandboxLimits, ConfigurationError> => {
  const size = (name: keyof typeof ranges) => integer(`limits.${name}`, options[name], ranges[name])
  const limits = Effect.all({
    workspaceBytes: size("workspaceBytes"),
    memoryBytes: size("memoryBytes"),
    processes: size("processes"),
    outputBytes: size("outputBytes"),
    longestCallMillis: Effect.map(
      seconds("limits.longestCall", options.longestCall ?? "24 hours"),
      (longest) => Math.min(longest * 1000, longestTimer)
    )
  })
  return Effect.zipRight(checkNames("limits", options, [...Object.keys(ranges), "longestCall"]), limits)
}
