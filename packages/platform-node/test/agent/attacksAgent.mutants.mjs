/** What `attacksAgent.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"
const agentWire = "packages/platform-node/src/internal/agentWire"
const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the end of the input is the end of everything",
    changes: { [`${agent}/main.ts`]: [["    processes.killAll()\n", ""]] },
    caughtBy: "whose input ends leaves nothing"
  },
  {
    defence: "frames of the agent are bounded",
    changes: {
      [`${agentWire}/frames.ts`]: [["length < 8 || length > maxFrameBytes", "length < 8"]]
    },
    caughtBy: "a frame without end"
  },
  {
    defence: "frames of the agent hold so many values",
    changes: { [`${agentWire}/frames.ts`]: [["cost: 2 ** 23", "cost: Infinity"]] },
    caughtBy: "an answer of a million objects"
  },
  {
    defence: "frames of the agent are so deep",
    changes: { [`${agentWire}/frames.ts`]: [["depth: 200", "depth: Infinity"]] },
    caughtBy: "an answer without bottom"
  },
  {
    defence: "frames of the agent are decoded",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (Either.isLeft(decoded)) return this.end(\"its agent sent a frame that makes no sense\")",
        "if (Either.isLeft(decoded)) return"
      ]]
    },
    caughtBy: "an answer of another shape"
  },
  {
    defence: "answers to calls that nobody made",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (!this.#cancelled.has(id)) return this.end(\"its agent answered a call that nobody made\")",
        ""
      ]]
    },
    caughtBy: "an answer to a call that nobody made"
  }
]
