/** Tells, in a line of JSON each, which observations of the checklist a walk has made. */
import assert from "node:assert/strict"
import type { AGB, Session } from "./agb.js"
import { type Result, sleep } from "./api.js"

type Step = (agb: AGB, session: Session) => Promise<void>

export class Skipped extends Error {}

const tell = (rows: ReadonlyArray<string>, outcome: string, why = "") =>
  rows.forEach((row) => process.stdout.write(`${JSON.stringify({ row, outcome, why })}\n`))

/** The data of a result that must be a success. */
export const good = <A>({ data, errorMessage, success }: Result<A>): A => {
  assert.ok(success, errorMessage)
  return data as A
}

export const bad = ({ errorMessage, success }: Pick<Result<unknown>, "errorMessage" | "success">): string => {
  assert.equal(success, false)
  assert.notEqual(errorMessage, "")
  return errorMessage
}

/** What `ask` says as soon as it says something. */
export const until = async <A>(ask: () => Promise<A> | A, patience = 60_000): Promise<NonNullable<A>> => {
  for (const end = Date.now() + patience;;) {
    const said = await ask()
    if (said) return said
    assert.ok(Date.now() < end, "it did not come about")
    await sleep(50)
  }
}

export class Walk {
  private readonly steps: Array<readonly [ReadonlyArray<string>, Step]> = []

  observes(rows: ReadonlyArray<string>, step: Step): void {
    this.steps.push([rows, step])
  }

  /** All steps, also after one that failed. */
  async take(agb: AGB, session: Session): Promise<void> {
    for (const [rows, step] of this.steps) {
      try {
        await step(agb, session)
        tell(rows, "seen")
      } catch (cause) {
        if (cause instanceof Skipped) tell(rows, "skipped", cause.message)
        else tell(rows, "failed", (cause as Error).stack?.split("\n").slice(0, 6).join(" ") ?? String(cause))
      }
    }
  }
}
