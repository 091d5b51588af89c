/** How much the timelines of sessions keep in memory. */
import { assert, describe, it } from "@effect/vitest"
import type { Beginning } from "../../src/internal/server/timeline/entry.js"
import { Timeline, TimelineBudget } from "../../src/internal/server/timeline/timeline.js"

const mebibyte = 2 ** 20

const entry = (text: string): Beginning => ({
  kind: "command",
  title: "t",
  text,
  language: null,
  path: null,
  cwd: null
})

const origin = { requestId: null, by: "client" } as const

/** A call whose reply has so many characters. */
const call = (timeline: Timeline, length: number): void => {
  const recording = timeline.begin(entry("true"), origin, 0)
  timeline.endWith(recording, { tool: "read_file", text: "x".repeat(length), isError: false }, 1)
}

const bytesOf = ({ recordings }: Timeline): number => recordings.reduce((sum, { bytes }) => sum + bytes, 0)

describe("the timeline of a session", () => {
  it("keeps the newest of a hundred thousand small calls", () => {
    const timeline = new Timeline(new TimelineBudget())
    for (let made = 0; made < 100_000; made++) call(timeline, 100)
    assert.lengthOf(timeline.recordings, 500)
    assert.strictEqual(timeline.dropped, 99_500)
    assert.strictEqual(timeline.recordings.at(-1)?.id, "e100000")
    assert.strictEqual(timeline.running, 0)
    assert.isBelow(bytesOf(timeline), mebibyte)
  })

  it("keeps what runs, however much comes after it", () => {
    const timeline = new Timeline(new TimelineBudget())
    const running = timeline.begin(entry("sleep"), origin, 0)
    for (let made = 0; made < 2000; made++) call(timeline, 100_000)
    assert.strictEqual(timeline.recordings[0], running)
    assert.strictEqual(timeline.running, 1)
    assert.isAtMost(bytesOf(timeline), 16 * mebibyte)
  })

  it("keeps less where there are many sessions", () => {
    const budget = new TimelineBudget()
    const timelines = Array.from({ length: 15 }, () => new Timeline(budget))
    for (const timeline of timelines) for (let made = 0; made < 20; made++) call(timeline, mebibyte)
    const all = () => timelines.reduce((sum, timeline) => sum + bytesOf(timeline), 0)
    assert.isAbove(all(), 200 * mebibyte)
    for (let more = 0; more < 500; more++) timelines.push(new Timeline(budget))
    assert.isAtMost(all(), 16 * mebibyte)
    for (const timeline of timelines) for (let made = 0; made < 4; made++) call(timeline, 400_000)
    assert.isAtMost(all(), 256 * mebibyte)
    for (const timeline of timelines.slice(1)) timeline.close()
    for (let made = 0; made < 20; made++) call(timelines[0] as Timeline, mebibyte)
    assert.isAbove(bytesOf(timelines[0] as Timeline), 15 * mebibyte)
  })
})
