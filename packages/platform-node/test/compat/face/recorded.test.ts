/**
 * What was recorded with the official SDK: the text of each call is run with the compatible face, and its caller sees the same
 * fields with the same values. Messages of failures may be in other words.
 */
import { assert, describe, it } from "@effect/vitest"
import { differences, isOwnText, notRun, otherRequests, textOf } from "./recordedTexts.js"
import {
  type RecordedCall,
  recordedCalls,
  recordedRequests,
  runText,
  type Sent,
  thrown,
  view,
  worldOf
} from "./recordedWorld.js"

type Fields = Record<string, unknown>

const without = (value: unknown, [first, ...rest]: ReadonlyArray<string>): unknown => {
  if (first === undefined || typeof value !== "object" || value === null) return value
  const { [first]: inner, ...others } = value as Fields
  return rest.length === 0 || inner === undefined ? others : { ...others, [first]: without(inner, rest) }
}

/** A message is there or it is not. */
const withoutWords = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("errorMessage" in value)) return value
  return { ...value, errorMessage: typeof value.errorMessage === "string" && value.errorMessage !== "" ? "…" : "" }
}

const comparable = (call: RecordedCall, value: unknown): unknown =>
  differences.filter(({ calls }) => calls.includes(call.id)).flatMap(({ paths }) => paths).reduce(
    (value, path) => without(value, path.split(".")),
    withoutWords(value)
  )

const outcomeOf = async (
  call: RecordedCall
): Promise<{ readonly saw: unknown; readonly sent: ReadonlyArray<Sent> }> => {
  const world = await worldOf(call)
  try {
    const saw = view(await runText(textOf(call.id, call.call), world).catch(thrown))
    return { saw, sent: [...world.sent] }
  } finally {
    await world.dispose()
  }
}

const known = new Set(recordedCalls.map(({ id }) => id))

describe("recorded programs", () => {
  for (const call of recordedCalls) {
    if (Object.hasOwn(notRun, call.id)) continue
    it(call.id, async () => {
      const { saw, sent } = await outcomeOf(call)
      assert.deepStrictEqual(comparable(call, saw), comparable(call, call.saw))
      // A reply that cannot be read is asked for again.
      const requests = recordedRequests(call)
      if (isOwnText(call.id) && !otherRequests[call.id]) {
        assert.deepStrictEqual(sent.slice(0, requests.length), requests)
      }
    })
  }

  it("every exception is about a recorded call", () => {
    for (
      const id of [
        ...Object.keys(notRun),
        ...Object.keys(otherRequests),
        ...differences.flatMap(({ calls }) => calls)
      ]
    ) assert(known.has(id), id)
  })
})
