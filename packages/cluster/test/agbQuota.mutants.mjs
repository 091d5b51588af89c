/** What `agbQuota.test.ts` watches over, each broken on purpose. */

const service = "packages/cluster/src/AgbQuota.ts"
const quota = "packages/cluster/src/internal/quota.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "no more sessions are granted than there may be",
    changes: { [quota]: [["      if (this.#free <= 0) return\n", ""]] },
    caughtBy: "lets no more sessions be created than it says"
  },
  {
    defence: "who waits is served in the order of arrival",
    changes: { [quota]: [["a.since - b.since ||", "b.since - a.since ||"]] },
    caughtBy: "lets no more sessions be created than it says"
  },
  {
    defence: "whoever begins to count waits for those that were granted before",
    changes: { [quota]: [["now < this.#startedAt + lease || ", ""]] },
    caughtBy: "goes on when the runner that counts is lost"
  },
  {
    defence: "a create under way tells of itself",
    changes: { [service]: [["tell(this.#client.renew({ ticket }))", "Effect.void"]] },
    caughtBy: "goes on when the runner that counts is lost"
  },
  {
    defence: "sessions of others count",
    changes: { [quota]: [["...[...listed].filter((sessionId) => !this.#deleted.has(sessionId))", ""]] },
    caughtBy: "counts sessions that others created"
  },
  {
    defence: "a pause holds for all",
    changes: { [quota]: [["|| now < this.#pausedUntil", ""]] },
    caughtBy: "holds back all creates for as long as the service asked one"
  },
  {
    defence: "a session that exists needs no permit",
    changes: { [service]: [["Option.isSome(found) ? agb.ensure", "Option.isNone(found) && false ? agb.ensure"]] },
    caughtBy: "finds a session that exists without a permit"
  }
]
