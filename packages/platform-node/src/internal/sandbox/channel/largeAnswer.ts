/** Answers that are too large to be decoded on the event loop, which all sessions share. */
import { parseJson } from "../../agentWire/frames.js"
import { withNotice } from "./oomNotice.js"
import type { LargeAnswer, SandboxAnswer } from "./protocol.js"

/** What the connection gives: a parsed value, or the JSON of a large one. */
export type Answer = SandboxAnswer | LargeAnswer

/** Bodies beyond this, in bytes, take a millisecond or more to become a reply. */
const largeBodyBytes = 64 * 1024

export const isUnparsed = (answer: Answer): answer is LargeAnswer => "json" in answer

export const isLarge = (answer: Answer): boolean => isUnparsed(answer) || answer.body.length > largeBodyBytes

const valueOf = ({ json, limits }: LargeAnswer): unknown => {
  try {
    const parsed = parseJson(Buffer.from(json.buffer, json.byteOffset, json.length), limits)
    return typeof parsed === "object" && parsed !== null && "value" in parsed ? parsed.value : undefined
  } catch {
    return undefined
  }
}

/** The value is undefined where the JSON is none, or exceeds its limits. */
export const parsedAnswer = (answer: Answer): SandboxAnswer => {
  if (!isUnparsed(answer)) return answer
  return withNotice({ value: valueOf(answer), body: answer.body }, answer.notice).answer
}
