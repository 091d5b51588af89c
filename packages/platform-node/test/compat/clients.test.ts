/**
 * Programs written for three generations of the official clients, in two languages and with the libraries that those
 * clients use, are given the address and the key of the local runtime and nothing else. What each of them must observe
 * stands in a checklist.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { best } from "../support/runtime.js"
import { algorithms, observed, rowsOf, type Walk, walks } from "./clients/checklist.js"
import { missingFor, type Runtime, runWalk, startRuntime, type Walked } from "./clients/runWalk.js"

/** Where sessions share this machine's `/tmp`, or have none, the programs' paths are not theirs. */
const lacks = (walk: Walk): ReadonlyArray<string> => best.level === "namespaces" ? missingFor(walk) : ["namespaces"]

const nameOf = (walk: Walk): string => lacks(walk).length === 0 ? walk : `${walk}, skipped for want of ${lacks(walk)}`

const walked = new Map<Walk, Walked>()

let runtime: Runtime | undefined

beforeAll(async () => {
  const able = walks.filter((walk) => lacks(walk).length === 0)
  if (able.length === 0) return
  const started = runtime = await startRuntime()
  await Promise.all(able.map(async (walk) => walked.set(walk, await runWalk(walk, started))))
})

afterAll(() => runtime?.stop())

for (const walk of walks) {
  describe.skipIf(lacks(walk).length > 0)(nameOf(walk), () => {
    it("walks to its end", () => {
      const { code, complaint, reports } = walked.get(walk) ?? assert.fail("it did not set out")
      assert.strictEqual(code, 0, complaint)
      assert.deepStrictEqual(new Set(reports.map(({ row }) => row)), new Set(rowsOf(walk)))
    })

    for (const row of rowsOf(walk)) {
      it(row, ({ skip }) => {
        const report = walked.get(walk)?.reports.find((report) => report.row === row) ?? assert.fail("not reported")
        if (report.outcome === "skipped") skip(report.why)
        assert.strictEqual(report.outcome, "seen", report.why)
      })
    }
  })
}

it("every row is observed by some client", () => {
  for (const [row, by] of Object.entries({ ...observed, ...algorithms })) assert.isNotEmpty(by, row)
})

const description = new URL("../../../../../shared/protocol/agb-wire.md", import.meta.url)

it.runIf(existsSync(description))("every topic of the observed semantics has its row", () => {
  const [, section = ""] = /^## 8\. Observed semantics$(.*?)^## 9\./ms.exec(readFileSync(description, "utf8")) ?? []
  const topics = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, topic = ""]) => topic.trim())
  const named = topics.filter((topic) => topic !== "" && topic !== "Topic" && !/^-+$/.test(topic))
  assert.deepStrictEqual(named, Object.keys(observed))
})
