/** What `processes.test.ts` watches over, each broken on purpose. */

const folder = "packages/core/src/internal/session/processes"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a session that does not wait is not asked again at once",
    changes: {
      [`${folder}/control.ts`]: [["isIdle(value) && Duration.lessThan(taken, leastWait)", "isIdle(value) && false"]]
    },
    caughtBy: "a session that does not wait is asked once a second"
  },
  {
    defence: "output that was cut is read again",
    changes: { [`${folder}/follow.ts`]: [["marks.length !== 2 || lines[second + 1] !== \"agb done\"", "false"]] },
    caughtBy: "output that a session cuts is read in smaller parts"
  },
  {
    defence: "a key leads nowhere else",
    changes: {
      [`${folder}/processes.ts`]: [["typeof key === \"string\" && keyPattern.test(key)", "typeof key === \"string\""]]
    },
    caughtBy: "bad input is refused before anything is sent"
  },
  {
    defence: "a command that the session would not start is a failed tool, not an unknown outcome",
    changes: {
      "packages/core/src/Command.ts": [["error.reason === \"Other\"", "error.reason === \"NoStdin\""]]
    },
    caughtBy: "a streamed command that could not be started fails as a command does"
  },
  {
    defence: "a start without an answer may have run",
    changes: {
      "packages/core/src/Command.ts": [["return error.mayHaveHappened\n", "return error._tag === \"TransportError\"\n"]]
    },
    caughtBy: "a streamed command whose start was not answered may have run"
  }
]
