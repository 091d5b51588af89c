/** What `egressNetwork.test.ts` watches over, each broken on purpose. */

const option = `packages/platform-node/src/internal/options/networkOption.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "outbound: only with a network namespace",
    changes: {
      [option]: [[
        "if (error !== undefined) return yield* error",
        "if (error === null) return yield* error"
      ]]
    },
    caughtBy: "outbound is refused with none",
    fails: "Error"
  },
  {
    defence: "outbound: only what is private can be allowed",
    changes: {
      [option]: [[
        "range !== undefined && isPrivateRange(range)",
        "range !== undefined && isPrivateRange !== undefined"
      ]]
    },
    caughtBy: "refuses .*127.0.0.1",
    fails: "Error"
  }
]
