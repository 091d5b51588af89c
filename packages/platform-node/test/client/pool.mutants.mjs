const pool = "packages/core/src/internal/lifecycle/pool.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a pool: a session is checked before it is lent",
    changes: { [pool]: [["Exit.isSuccess(exit) && exit.value ? next", "Exit.isSuccess(exit) ? next"]] },
    caughtBy: "lends no session that is lost"
  },
  {
    defence: "a pool: a session whose borrower met a defect is not lent again",
    changes: { [pool]: [["if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) return this.#discard(entry)", ""]] },
    caughtBy: "lends no session that is lost"
  },
  {
    defence: "a pool: a session that was granted to somebody interrupted goes on",
    changes: { [pool]: [["return Effect.zipRight(this.#offer(entry), failure)", "return failure"]] },
    caughtBy: "after the session was granted"
  },
  {
    defence: "a pool: a create that fails and that nobody hears of makes a pause",
    changes: { [pool]: [["if ((!isTold || isQuota) && ", "if ((first === undefined || isQuota) && "]] },
    caughtBy: "also while it creates the minimum"
  },
  {
    defence: "a pool: what can never succeed is not tried again",
    changes: { [pool]: [["hooks.isFinal(error.left)", "hooks.isFinal(error.left) && false"]] },
    caughtBy: "no longer creates its minimum"
  }
]
