/** What `linksIdle.test.ts` watches over, each broken on purpose. */

const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link in use keeps its session: requests",
    changes: {
      [gateway]: [[
        "        touch()\n        return session.sandbox.tunnel(port, touch)",
        "        return session.sandbox.tunnel(port)"
      ]]
    },
    caughtBy: "keeps its session from idling"
  },
  {
    defence: "a link in use keeps its session: what passes later",
    changes: { [gateway]: [["session.sandbox.tunnel(port, touch)", "session.sandbox.tunnel(port)"]] },
    caughtBy: "keeps its session from idling"
  },
  {
    defence: "a link in use keeps its session: an answer that is awaited",
    changes: {
      [gateway]: [["session.active += 1", "session.active += 0"], ["session.active -= 1", "session.active -= 0"]]
    },
    caughtBy: "is not idle while an answer is awaited"
  },
  {
    defence: "a link that is only left open does not keep its session",
    changes: { [gateway]: [["isStream ? endWait() : undefined", "isStream ? undefined : undefined"]] },
    caughtBy: "is not idle while an answer is awaited"
  }
]
