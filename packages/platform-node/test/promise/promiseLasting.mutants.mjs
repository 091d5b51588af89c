/** What `promiseLasting.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src/internal/promise"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a reply with the content of a file has the id of its request",
    changes: {
      "packages/platform-node/src/internal/server/routes/fileRoute.ts": [["  \"x-request-id\": requestId,\n", ""]]
    },
    caughtBy: "is written and read by requests whose ids are told"
  },
  {
    defence: "the id of a request for a file is in its result",
    changes: {
      "packages/core/src/internal/session/files/fileRequests.ts": [[
        "? RequestId.record(requestId) :",
        "? Effect.void :"
      ]]
    },
    caughtBy: "is written and read by requests whose ids are told"
  },
  {
    defence: "a pool of the promise API does not lend a session again whose borrower threw",
    changes: { [`${core}/pool.ts`]: [["      exit = Exit.die(error)\n", "      void exit\n"]] },
    caughtBy: "lends sessions, one for each borrower, and takes none back from one that threw"
  },
  {
    defence: "the disposal of an AGB ends what lasts between calls",
    changes: {
      [`${core}/connection/connection.ts`]: [[
        "Effect.zipRight(this.#held.releaseAll, this.#removeOwned)",
        "this.#removeOwned"
      ]]
    },
    caughtBy: "is one of this machine until it is closed, or with its AGB"
  },
  {
    defence: "a resumed session is not deleted by its disposal",
    changes: {
      [`${core}/agb.ts`]: [[
        "if (this.#release !== undefined) return this.#release()",
        "if (this.#release !== undefined) return void await this.delete()"
      ]]
    },
    caughtBy: "is found again, resumed and left alone"
  }
]
