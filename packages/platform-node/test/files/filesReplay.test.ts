import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import type { EventType } from "../../agent/watch/changeLog.js"
import { type InotifyEvent, type Replay, replay } from "../../agent/watch/replay.js"

const seen = (wasThere: boolean, isThere: boolean, maxExpected = 0) => ({
  wasThere,
  isThere,
  isSame: false,
  maxExpected
})

/** What a history of wishes comes to, with the notices that it brings; a wish that makes no sense is passed over. */
const happening = (wasThere: boolean, wishes: ReadonlyArray<EventType | "replace">) => {
  let there = wasThere
  const events: Array<EventType> = []
  const notices: Array<InotifyEvent> = []
  const note = (event: EventType, notice: InotifyEvent) => {
    events.push(event)
    notices.push(notice)
  }
  for (const wish of wishes) {
    if (there === (wish === "create")) continue
    if (wish === "replace") note("modify", "replaced")
    else note(wish, wish === "modify" ? "changed" : "renamed")
    there = wish !== "delete"
  }
  return { events, notices, there }
}

const wishes = (...all: ReadonlyArray<EventType | "replace">) =>
  FastCheck.array(FastCheck.constantFrom(...all), { maxLength: 12 })

const ending = (wasThere: boolean, events: ReadonlyArray<EventType>) =>
  events.reduce((there, event) => {
    assert.strictEqual(there, event !== "create", events.join())
    return event !== "delete"
  }, wasThere)

describe("the history of an entry", () => {
  it.prop("is told as it was", [FastCheck.boolean(), wishes("create", "modify", "delete", "replace")], ([was, all]) => {
    const { events, notices, there } = happening(was, all)
    assert.deepStrictEqual(replay(notices, seen(was, there)), { events, isCertain: true, isAhead: false, expected: 0 })
  })

  it.prop(
    "is told from where it was known, whether the notice of that came or not",
    [FastCheck.boolean(), wishes("create", "delete"), FastCheck.boolean()],
    ([was, all, came]) => {
      const { events, notices, there } = happening(was, all)
      const late = came ? ["renamed" as const, ...notices] : notices
      const told = replay(late, seen(was, there, 1))
      assert.deepStrictEqual([told.events, told.expected], [events, came ? 1 : 0])
    }
  )

  it.prop(
    "always makes sense, and leads to what is there",
    [
      FastCheck.array(FastCheck.constantFrom<InotifyEvent>("replaced", "renamed", "changed")),
      FastCheck.boolean(),
      FastCheck.boolean(),
      FastCheck.nat(3)
    ],
    ([notices, was, is, old]) => assert.strictEqual(ending(was, replay(notices, seen(was, is, old)).events), is)
  )

  it("with a replacement that nothing shows has a change instead of a deletion", () => {
    const expected: Replay = { events: ["modify"], isCertain: false, isAhead: false, expected: 0 }
    assert.deepStrictEqual(replay(["renamed"], seen(true, true)), expected)
    assert.deepStrictEqual(replay(["renamed", "renamed"], seen(true, false)).events, ["modify", "delete"])
    assert.deepStrictEqual(replay(["renamed", "renamed"], seen(false, true)).events, ["create", "modify"])
  })

  it("that is not all known yet ends with what is seen", () => {
    const expected: Replay = { events: ["create", "delete"], isCertain: false, isAhead: true, expected: 0 }
    assert.deepStrictEqual(replay(["renamed"], seen(false, false)), expected)
  })

  it("that was seen too late to tell has both a deletion and a creation", () =>
    assert.deepStrictEqual(replay(["renamed"], { ...seen(true, true), isSame: true }).events, ["delete", "create"]))
})
