/** What `transferMemory.test.ts` watches over, each broken on purpose. */

const node = "packages/platform-node/src/internal/node"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what a socket has not written yet is not used again",
    changes: { [`${node}/sentBody.ts`]: [["(bytes) => whenTaken(bytes, () => onTaken(bytes))", "onTaken"]] },
    caughtBy: "is not used again before it was sent"
  },
  {
    defence: "memory that is shared is not given back",
    changes: { [`${node}/releaseBuffer.ts`]: [["byteLength !== buffer.byteLength || ", ""]] },
    caughtBy: "is none that others may use"
  }
]
