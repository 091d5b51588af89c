/** What `isolationAttacks.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "nothing inherited through what starts sandboxes",
    changes: {
      [`${sandbox}/process/spawn.cjs`]: [[
        "const inherited = inheritedFds()",
        "const inherited = inheritedFds().slice(0, 0)"
      ]]
    },
    caughtBy: "finding a descriptor of the host"
  }
]
