/** What `sweep.test.ts` watches over, each broken on purpose. */

const lifecycle = "packages/core/src/internal/lifecycle"
const exact = "deletes exactly the 50 orphans among 1,000 other sessions"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a stamp is proved by its HMAC",
    changes: {
      [`${lifecycle}/stamps.ts`]: [[
        "    if (!areEqual(mac, this.#mac(",
        "    if (areEqual(mac, \"\") && !areEqual(mac, this.#mac("
      ]]
    },
    caughtBy: exact
  },
  {
    defence: "the HMAC of a stamp covers the attempt",
    changes: { [`${lifecycle}/stamps.ts`]: [["`${claim}\\n${attempt}`", "claim"]] },
    caughtBy: exact
  },
  {
    defence: "the key of stamps is derived from the API key",
    changes: { [`${lifecycle}/stamps.ts`]: [["Redacted.value(this.#client.config.apiKey)", "\"\""]] },
    caughtBy: "does not take the stamp of another API key for its own"
  },
  {
    defence: "copies of the labels of a session are doubtful",
    changes: { [`${lifecycle}/sweep.ts`]: [["times.get(origin.attempt) === 1", "times.size > 0"]] },
    caughtBy: exact
  },
  {
    defence: "a sweep knows the sessions of its own service",
    changes: {
      [`${lifecycle}/sweep.ts`]: [
        ["      if (this.#services.isOwn(sessionId, attempt)) return Effect.succeed(\"running\")\n", ""]
      ]
    },
    caughtBy: "deletes those of unknown programs by their age alone"
  },
  {
    defence: "a sweep knows the creates in flight of its own service",
    changes: { [`${lifecycle}/supervisor.ts`]: [[" || this.#reconciliation.unresolved.has(attempt)", ""]] },
    caughtBy: "leaves the session of a create in flight alone"
  },
  {
    defence: "a sweep reads the labels again before it deletes",
    changes: {
      [`${lifecycle}/sweep.ts`]: [[
        "      if (examined._tag === \"Kept\") return void this.#kept.push(examined.kept)\n      if (!isSame(origin, examined.origin)) return void this.#kept.push(keep(sessionId, \"Copied\"))\n",
        ""
      ]]
    },
    caughtBy: "looks at the labels once more before it deletes"
  },
  {
    defence: "a dry run deletes nothing",
    changes: {
      [`${lifecycle}/sweep.ts`]: [[
        "if (this.#limits.dryRun) return",
        "if (this.#limits.dryRun && swept.reason === \"TooOld\") return"
      ]]
    },
    caughtBy: exact
  },
  {
    defence: "a guardian is told of an attempt before its request",
    changes: { [`${lifecycle}/reconciliation.ts`]: [["    this.#services.watch.addAttempt(label)\n", ""]] },
    caughtBy: "is told of an attempt before its request"
  },
  {
    defence: "a guardian is told of a session before the attempt is over",
    changes: { [`${lifecycle}/attempts.ts`]: [["      this.#services.watch.addSession(created.sessionId)\n", ""]] },
    caughtBy: "is told of an attempt before its request"
  }
]
