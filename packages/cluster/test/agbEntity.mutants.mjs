/** What `agbEntity.test.ts` watches over, each broken on purpose. */

const held = "packages/cluster/src/internal/heldSession.ts"
const claim = "packages/cluster/src/internal/claim.ts"
const calls = "packages/cluster/src/internal/entityCalls.ts"
const live = "packages/cluster/src/internal/liveOutput.ts"
const owners = "packages/cluster/src/internal/owners.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a session is found again by the name of its entity",
    changes: { [owners]: [["`entity/${type}/${id}`\n", "`entity/${type}/${id}/${crypto.randomUUID()}`\n"]] },
    caughtBy: "is one for each name, and stays when its runner ends"
  },
  {
    defence: "a session that is closed is deleted",
    changes: { [held]: [["if (yield* isOurs) yield* agb.delete(held.session.sessionId)", "yield* isOurs"]] },
    caughtBy: "is deleted when it is closed, and made again by the next call"
  },
  {
    defence: "a session that is lost is not used again",
    changes: { [held]: [["if (isLost) return this.#endIf(held, () => true)", ""]] },
    caughtBy: "that is lost fails the call that finds out, and is made again by the next"
  },
  {
    defence: "a runner whose claim was taken does not write",
    changes: {
      [claim]: [["isOurs ? Effect.void : Effect.zipRight", "isOurs || true ? Effect.void : Effect.zipRight"]]
    },
    caughtBy: "does nothing in the session, and ends without an answer"
  },
  {
    defence: "a runner whose claim was taken does not delete",
    changes: { [held]: [["if (yield* isOurs) yield* agb.delete", "if ((yield* isOurs) || true) yield* agb.delete"]] },
    caughtBy: "does not delete the session when its time is over"
  },
  {
    defence: "whoever still runs when the other must have known takes the session again",
    changes: { [claim]: [["Effect.sleep(lockExpires), this.#write", "Effect.sleep(lockExpires), Effect.void"]] },
    caughtBy: "that still runs when the other must have known has the session again"
  },
  {
    defence: "a message with the key of another is not delivered",
    changes: {
      [calls]: [[
        "      maxOutputBytes: Schema.optional(Schema.NonNegativeInt)\n    },\n    success: CommandResult,\n    error,\n    primaryKey: byKey",
        "      maxOutputBytes: Schema.optional(Schema.NonNegativeInt)\n    },\n    success: CommandResult,\n    error,\n    primaryKey: () => crypto.randomUUID()"
      ]]
    },
    caughtBy: "is stored: a key that was answered gets the same answer"
  },
  {
    defence: "code that is streamed runs once",
    changes: { [live]: [["    isOurs\n", "    isOurs || true\n"]] },
    caughtBy: "streams what a command writes, as often as it is asked"
  }
]
