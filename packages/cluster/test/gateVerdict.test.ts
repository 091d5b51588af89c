/** The verdict of the gate, `pnpm test:cluster`: what it must not overlook. */
import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import { Seen } from "./gate/job.js"
import { faultsOf } from "./gate/verdict.js"

const seen = (id: string) =>
  new Seen({ text: `${id} ${id}`, exitCodes: [0, 7], stdout: `${id}\n`, runs: "count 1 again 1" })

const outcome = (id: string) => ({ id, exit: Exit.succeed(seen(id)) })

const lines = (id: string, home = id) => ["slow", "count", "fail", "again"].map((step) => `${id} ${step} /${home}`)

const verdict = (outcomes: Parameters<typeof faultsOf>[0], ledger: ReadonlyArray<string>, left: Array<string> = []) =>
  faultsOf(outcomes, ledger.map((line) => `${line}\n`).join(""), left)

describe("the gate", () => {
  const [one, other] = [outcome("a"), outcome("b")]
  const whole = [...lines("a"), ...lines("b")]

  it("passes where each job ended with every effect once, in one session that is gone", () => {
    assert.deepStrictEqual(verdict([one, other], whole), [])
  })

  it("fails on an effect that is missing, repeated, or of another session", () => {
    assert.deepStrictEqual(verdict([one, other], whole.slice(1)), ["a slow had no effect"])
    assert.deepStrictEqual(verdict([one, other], [...whole, "b fail /b"]), ["b fail had 2 effects"])
    assert.deepStrictEqual(verdict([one, other], [...lines("a"), ...lines("b").slice(1), "b slow /c"]), [
      "b had 2 sessions"
    ])
    assert.deepStrictEqual(verdict([one], whole.slice(0, 5)), ["b slow is of no job"])
  })

  it("fails on a job that has not ended, failed, or saw what it should not have, and on a session that is left", () => {
    assert.deepStrictEqual(verdict([one, { id: "b", exit: undefined }], whole), ["b has not ended"])
    const [failed = ""] = verdict([one, { id: "b", exit: Exit.fail("why") }], whole)
    assert.match(failed, /^b failed: .*why/)
    const wrong = new Seen({ ...seen("b"), exitCodes: [0, 0] })
    const [falseCode = ""] = verdict([one, { id: "b", exit: Exit.succeed(wrong) }], whole)
    assert.match(falseCode, /^b saw .*\[0,0\].* instead of .*\[0,7\]/)
    assert.deepStrictEqual(verdict([one, other], whole, ["s-1"]), ["session s-1 is left"])
  })
})
