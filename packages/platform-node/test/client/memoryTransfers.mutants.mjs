/** What `memoryTransfers.test.ts` watches over, each broken on purpose. */

const memory = "packages/core/src/internal/testing/memory"
const tools = "a directory goes there and back, over the tools"
const bytes = "a directory goes there and back, over the route for bytes"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "parts are joined to what is there in memory",
    changes: { [`${memory}/sdkScripts.ts`]: [["concat([whole, ...parts])", "concat(parts)"]] },
    caughtBy: tools
  },
  {
    defence: "the parts of a file in memory are removed",
    changes: { [`${memory}/sdkScripts.ts`]: [["  tree.remove(folder)\n", ""]] },
    caughtBy: tools
  },
  {
    defence: "files in memory have the permissions of those that were sent",
    changes: {
      [`${memory}/fileTree.ts`]: [
        ["permissions ?? before?.mode ?? 0o644", "before?.mode ?? 0o644"],
        ["{ ...this.get(path), mode }", "this.get(path)"]
      ]
    },
    caughtBy: bytes
  },
  {
    defence: "a file in memory that is there is not created",
    changes: {
      [`${memory}/fileTools.ts`]: [[
        "if (mode === \"create_new\" && exists) throw",
        "if (mode === \"new\" && exists) throw"
      ]]
    },
    caughtBy: bytes
  }
]
