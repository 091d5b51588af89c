/** The notice in the output of a call that a process was killed at the session's memory limit. */
import type { SandboxAnswer, SandboxCall, SandboxOutput } from "./protocol.js"

const mebibyte = 1024 * 1024

/** The notice, or undefined where nothing has been killed since the last call of this function. */
export type OomNotice = () => string | undefined

export const makeOomNotice = (oomKills: () => number, limitBytes: number): OomNotice => {
  let reported = 0
  return () => {
    const kills = oomKills()
    if (kills === reported) return undefined
    reported = kills
    return `the memory limit of ${Math.round(limitBytes / mebibyte)} MiB was reached`
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Commands and code have a standard error, which is the last part of the body. */
const hasStderr = (call: SandboxCall) => call.op === "shell" || call.op === "runCode"

const kernelDeath = (value: Readonly<Record<string, unknown>>, notice: string) =>
  typeof value["died"] === "string" ? { died: `the kernel was killed: ${notice}` } : {}

/** The notice for an answer of this call, if there is one. */
export const noticeFor = (call: SandboxCall, oomNotice: OomNotice): string | undefined =>
  hasStderr(call) ? oomNotice() : undefined

/** Appends a notice to the standard error of the answer; `output` is the same for a streaming reader. */
export const withNotice = (
  { body, value }: SandboxAnswer,
  notice: string | undefined
): { readonly answer: SandboxAnswer; readonly output: SandboxOutput | undefined } => {
  const unchanged = { answer: { body, value }, output: undefined }
  if (notice === undefined || !isRecord(value)) return unchanged
  const { stderrBytes } = value
  if (typeof stderrBytes !== "number") return unchanged
  const line = Buffer.from(`[a process was killed: ${notice}]\n`)
  return {
    answer: {
      value: { ...value, ...kernelDeath(value, notice), stderrBytes: stderrBytes + line.length },
      body: Buffer.concat([body, line])
    },
    output: { event: "stderr", body: line }
  }
}
