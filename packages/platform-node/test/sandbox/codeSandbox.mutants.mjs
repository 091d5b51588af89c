/** What `codeSandbox.test.ts` watches over, each broken on purpose. */

const limits = "packages/platform-node/src/internal/sandbox/confine/limitsInside.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the heap of Java fits the memory of the session",
    changes: { [limits]: [[" -XX:MaxRAM=${memoryBytes}", ""]] },
    caughtBy: "sizes its heap by the memory of the session"
  },
  {
    defence: "Node learns the memory of the session",
    changes: { [limits]: [["memory/memory.soft_limit_in_bytes", "memory/other"]] },
    caughtBy: "sizes its heap by the memory of the session"
  }
]
