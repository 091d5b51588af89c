/** Options that a method or a constructor does not know are refused by name, never ignored. */
import * as Predicate from "effect/Predicate"

/** An option that is refused, and what is expected in its place. */
export interface Refusal {
  /** The unknown name, or `options` if they are no object. */
  readonly field: string
  readonly expected: string
}

/** Names of other SDKs, and of the other face of this one, for options that some methods have under another name. */
const names: Readonly<Record<string, string>> = {
  idleReleaseTimeout: "idleTimeout",
  idleTimeoutMs: "idleTimeout",
  mcpPolicyId: "policyId",
  timeoutMs: "timeout",
  timeoutS: "timeout",
  timeout: "timeoutMs",
  intervalMs: "interval",
  interval: "intervalMs",
  env: "envs"
}

const advice: Readonly<Record<string, string>> = {
  format: "readFileBytes reads bytes",
  callback: "iterate over the result",
  onStdout: "the output is part of the result, and a stream tells it as it comes",
  onStderr: "the output is part of the result, and a stream tells it as it comes",
  contextSync: "contexts takes { context, path, policy }",
  contextSyncs: "contexts takes { context, path, policy }",
  browserContext: "sessions are created without a browser",
  config: "endpoint and timeoutMs are options themselves"
}

const list = (known: ReadonlyArray<string>): string =>
  known.length === 0 ? "there are no options" : `the options are ${known.join(", ")}`

const insteadOf = (name: string, known: ReadonlyArray<string>): string => {
  const other = Object.hasOwn(names, name) ? names[name] : undefined
  if (other !== undefined && known.includes(other)) return `; use ${other}`
  return Object.hasOwn(advice, name) ? `; ${advice[name]}` : ""
}

/** What is expected of an option that is not known. */
export const absent = (name: string, known: ReadonlyArray<string>): string =>
  `absent (${list(known)}${insteadOf(name, known)})`

/** Returns the first option that is not known, if any. Options that are `undefined` as a whole are none. */
export const refuseUnknown = (options: unknown, known: ReadonlyArray<string>): Refusal | undefined => {
  if (options === undefined) return undefined
  if (!Predicate.isRecord(options)) {
    const callback = typeof options === "function" ? "; functions are not called, iterate over the result" : ""
    return { field: "options", expected: `an object (${list(known)}${callback})` }
  }
  const name = Object.keys(options).find((key) => !known.includes(key))
  return name === undefined ? undefined : { field: name, expected: absent(name, known) }
}
