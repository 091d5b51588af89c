/** What `pageActions.test.ts` watches over, each broken on purpose. */

const routes = "packages/platform-node/src/internal/server/page/routes/processRoutes.ts"

const processes = "processes are listed with their logs, and killed"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a process is shown by the command that started it",
    changes: { [routes]: [["begun.startsProcess === key", "begun.title === key"]] },
    caughtBy: processes
  },
  {
    defence: "what the SDK runs beside a process is not shown",
    changes: { [routes]: [[" && !supervisors.has(pid)", ""]] },
    caughtBy: processes
  }
]
