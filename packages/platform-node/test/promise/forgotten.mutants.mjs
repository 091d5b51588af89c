/** What `forgotten.test.ts` watches over, each broken on purpose. */

const forgotten = "packages/platform-node/src/internal/node/forgottenSessions.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the sessions of a forgotten pool are deleted",
    changes: {
      "packages/core/src/internal/promise/connection/connection.ts": [[" + this.#held.size", ""]]
    },
    caughtBy: "deletes the sessions of its pool"
  },
  {
    defence: "forgotten sessions are deleted when the process has nothing more to do",
    changes: { [forgotten]: [["      process.on(\"beforeExit\", this.#deleteThem)\n", ""]] },
    caughtBy: "deletes its session when it has nothing more to do, and says so once"
  },
  {
    defence: "sessions that process.exit leaves are named",
    changes: { [forgotten]: [["      if (this.#outlive) process.on(\"exit\", this.#reportThem)\n", ""]] },
    caughtBy: "names the session when it is ended by process.exit or an uncaught exception"
  },
  {
    defence: "forgotten sessions are deleted without a reader of standard error",
    changes: { [forgotten]: [["    process.stderr.on(\"error\", () => {})\n", ""]] },
    caughtBy: "deletes it though nobody reads what it says"
  },
  {
    defence: "an aborted create is waited for",
    changes: {
      "packages/core/src/internal/promise/connection/connection.ts": [[
        " + this.#unsettled",
        ""
      ]]
    },
    caughtBy: "looks for the session of an aborted create, and has nothing to say"
  },
  {
    defence: "creates that process.exit cuts off are reported",
    changes: { [forgotten]: [["[...ids(this.#owners), ...cutOff(this.#owners)]", "ids(this.#owners)"]] },
    caughtBy: "says so of a create that process.exit cuts off"
  },
  {
    defence: "a disposal spends the delete budget of a session once",
    changes: {
      "packages/core/src/internal/promise/connection/connection.ts": [[
        "Effect.map(remove(sessionId), ",
        "Effect.map(agb.delete(sessionId), "
      ]]
    },
    caughtBy: "gives up when the delete budget is spent, and reports the session once"
  }
]
