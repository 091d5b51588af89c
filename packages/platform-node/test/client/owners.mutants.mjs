const owners = "packages/core/src/internal/lifecycle/owners.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "one session per owner: the second look",
    changes: { [owners]: [["return yield* this.#confirm(own)\n    }).pipe", "return own.sessionId\n    }).pipe"]] },
    caughtBy: "is the older of two that appear"
  },
  {
    defence: "one session per owner: a chosen one stays",
    changes: {
      [owners]: [["      if (chosen !== undefined) return chosen.sessionId\n      if (others", "      if (others"]]
    },
    caughtBy: "stays the one that was chosen"
  },
  {
    defence: "one session per owner: a candidate that is interrupted goes",
    changes: {
      [owners]: [["const removed = Effect.ignore(this.#lifecycle.remove(sessionId))", "const removed = Effect.void"]]
    },
    caughtBy: "is one, however many programs ask"
  },
  {
    defence: "one session per owner: one that is chosen stays for others",
    changes: { [owners]: [["Exit.isFailure(exit) && this.#choosing === sessionId", "false"]] },
    caughtBy: "stays for those who have found it"
  },
  {
    defence: "one session per owner: one that is listed twice is no rival of itself",
    changes: {
      [owners]: [["new Set(sessions.map(({ sessionId }) => sessionId))", "sessions.map(({ sessionId }) => sessionId)"]]
    },
    caughtBy: "though a list names it twice"
  }
]
