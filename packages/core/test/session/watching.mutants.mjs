/** What `watching.test.ts` watches over, each broken on purpose. */

const watching = "packages/core/src/internal/session/files/watching.ts"
const pattern = "packages/core/src/internal/session/files/namePattern.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a watch that is ready has asked for what was there before",
    changes: { [watching]: [["    yield* poll\n", ""]] },
    caughtBy: "tells what was asked for, after ready"
  },
  {
    defence: "a watch that is not recursive tells nothing of folders below",
    changes: { [watching]: [["recursive || !relative.includes(\"/\")", "recursive || true"]] },
    caughtBy: "tells what was asked for, after ready"
  },
  {
    defence: "patterns of a watch are checked",
    changes: { [watching]: [[" && include.every(isPattern)", ""]] },
    caughtBy: "refuses options by name before it asks"
  },
  {
    defence: "a star stands for no slash",
    changes: { [pattern]: [["return [character !== \"/\", character !== \"/\"]", "return [true, true]"]] },
    caughtBy: "matches parts of names, and folders"
  },
  {
    defence: "folders before a name end with a slash",
    changes: { [pattern]: [["return [character === \"/\", true]", "return [true, true]"]] },
    caughtBy: "matches parts of names, and folders"
  }
]
