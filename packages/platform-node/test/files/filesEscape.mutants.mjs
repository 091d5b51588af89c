/** What `filesEscape.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "without isolation: no path leaves the session",
    changes: {
      [`${agent}/files/beneath.ts`]: [["if (!isAllowed(join(directory, name)))", "if (directory === \"\")"]]
    },
    caughtBy: "files outside the session.*are not reached by any spelling",
    fails: "ENOENT"
  },
  {
    defence: "without isolation: what was opened is checked, not its path",
    changes: {
      [`${agent}/files/beneath.ts`]: [["const directory = readlinkSync(fdPath(fd))", "const directory = parent"]]
    },
    caughtBy: "a folder that is swapped for a link lets no call out"
  }
]
