/** What a caller is told when something was killed because the session had reached the limit on its memory. */
import type { SandboxAnswer, SandboxCall, SandboxOutput } from "./protocol.js"

const mebibyte = 1024 * 1024

/** What happened, in words; undefined where nothing has since the last time somebody asked. */
export type MemoryNews = () => string | undefined

export const memoryNews = (killsOf: () => number, bytes: number): MemoryNews => {
  let told = 0
  return () => {
    const kills = killsOf()
    if (kills === told) return undefined
    told = kills
    return `the memory limit of ${Math.round(bytes / mebibyte)} MiB was reached`
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Commands and code tell of it on their standard error, which is the last part of the body. */
const tells = (call: SandboxCall) => call.op === "shell" || call.op === "runCode"

const died = (value: Readonly<Record<string, unknown>>, news: string) =>
  typeof value["died"] === "string" ? { died: `the kernel was killed: ${news}` } : {}

/** The answer with the news in it, and the same as output for those who read along. */
export const withNews = (
  call: SandboxCall,
  { body, value }: SandboxAnswer,
  news: MemoryNews
): { readonly answer: SandboxAnswer; readonly output: SandboxOutput | undefined } => {
  const unchanged = { answer: { body, value }, output: undefined }
  if (!tells(call) || !isRecord(value)) return unchanged
  const { stderrBytes } = value
  const said = typeof stderrBytes === "number" ? news() : undefined
  if (said === undefined || typeof stderrBytes !== "number") return unchanged
  const line = Buffer.from(`[a process was killed: ${said}]\n`)
  return {
    answer: {
      value: { ...value, ...died(value, said), stderrBytes: stderrBytes + line.length },
      body: Buffer.concat([body, line])
    },
    output: { event: "stderr", body: line }
  }
}
