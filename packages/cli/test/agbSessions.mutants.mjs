/** What `agbSessions.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/cli/src/${name}.ts`

const manages = "manage the sessions of the account"
const collects = "list what a killed program has left behind"
const copies = "copies files and directories both ways"

/** @type {ReadonlyArray<import("../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "agb rm fails where a session was not deleted",
    changes: { [source("commands/sessions")]: [["if (results.some(Either.isLeft))", "if (results.length === 0)"]] },
    caughtBy: manages
  },
  {
    defence: "agb gc deletes nothing unless it is told to",
    changes: { [source("commands/gc")]: [["dryRun: !given.force", "dryRun: false"]] },
    caughtBy: collects
  },
  {
    defence: "a copy goes into a directory that is there",
    changes: { [source("commands/cp")]: [["isDirectory ? Path.posix.join(path, Path.posix.basename(source)) :", ""]] },
    caughtBy: copies
  },
  {
    defence: "what a copy leaves out is said",
    changes: { [source("commands/cp")]: [["if (skipped.length > 0) {", "if (skipped.length < 0) {"]] },
    caughtBy: copies
  }
]
