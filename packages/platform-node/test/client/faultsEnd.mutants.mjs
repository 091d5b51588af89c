/** What `faultsEnd.test.ts` watches over, each broken on purpose. */

const lifecycle = "packages/core/src/internal/lifecycle"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the end of the service takes the creates in flight",
    changes: { [`${lifecycle}/supervisor.ts`]: [["    yield* this.#abandon([...this.#creations])\n", ""]] },
    caughtBy: "a create that is in flight when the service ends"
  },
  {
    defence: "creates in doubt are looked for while the service ends",
    changes: { [`${lifecycle}/reconciliation.ts`]: [["isClosing && doubt !== \"open\"", "isClosing"]] },
    caughtBy: "a create in doubt that the server completes late"
  },
  {
    defence: "JSON that is no envelope is nobody's word",
    changes: {
      "packages/core/src/AgbClient.ts": [[
        "malformed(call, \"body\", \"a JSON",
        "malformed(call, \"success\", \"a JSON"
      ]]
    },
    caughtBy: "200 with null"
  },
  {
    defence: "sessions that a failed reply names are deleted",
    changes: {
      [`${lifecycle}/attempts.ts`]: [["    if (named.size > 0) return this.#removeNamed(inFlight, cause)\n", ""]]
    },
    caughtBy: "a create that is refused after the work 401"
  },
  {
    defence: "creates that are refused are looked for",
    changes: { [`${lifecycle}/doubt.ts`]: [["      return \"refused\"\n", "      return \"none\"\n"]] },
    caughtBy: "a create that is refused after the work 400 without"
  },
  {
    defence: "sessions of others are not deleted",
    changes: {
      [`${lifecycle}/reconciliation.ts`]: [["labels[attemptLabel] === label", "labels[attemptLabel] !== \"\""]]
    },
    caughtBy: "a proxy that ignores the filter of a list"
  },
  {
    defence: "retries wait for their turn",
    changes: {
      [`${lifecycle}/pacedRetries.ts`]: [["this.#budget.tryTake() ? Effect.void : this.#wait", "Effect.void"]]
    },
    caughtBy: "an outage"
  },
  {
    defence: "what is looked for does not extend the deadline of a create",
    changes: {
      [`${lifecycle}/attempts.ts`]: [["Effect.timeoutOption(effect, left)", "Effect.timeoutOption(effect, \"1 hour\")"]]
    },
    caughtBy: "a deadline of a create"
  },
  {
    defence: "a list that is not searched to its end proves nothing",
    changes: {
      "packages/core/src/internal/lifecycle/reconciliation.ts": [
        ["return yield* unfinished", "return found"]
      ]
    },
    caughtBy: "and has more pages than are searched, leaves the attempt in doubt"
  }
]
