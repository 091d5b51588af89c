/** What `computeSdk.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/ai/src/internal/sandbox"

const caughtBy = "compute runs commands and keeps files in sessions, and deletes them"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a command that was stopped at its limit has not ended",
    changes: { [`${sandbox}/collect.ts`]: [["end === undefined || end.timedOut", "end === undefined"]] },
    caughtBy
  },
  {
    defence: "variables of the sandbox are those of every command",
    changes: { [`${sandbox}/computeSandbox.ts`]: [["{ ...envs, ...options.env }", "{ ...options.env }"]] },
    caughtBy
  },
  {
    defence: "the sandboxes of all providers are listed, and no other sessions",
    changes: {
      [`${sandbox}/computeProvider.ts`]: [["labels: { ...params.labels, ...label }", "labels: { ...params.labels }"]]
    },
    caughtBy
  },
  {
    defence: "a snapshot is refused",
    changes: { [`${sandbox}/computeProvider.ts`]: [["snapshotId === undefined ?", "snapshotId !== \"\" ?"]] },
    caughtBy
  },
  {
    defence: "the end of the provider deletes the sessions that are left",
    changes: { [`${sandbox}/computeProvider.ts`]: [["[...owned.keys()].map(destroy)", "[].map(destroy)"]] },
    caughtBy
  }
]
