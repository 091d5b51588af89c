/** What `attacksAgent.test.ts` watches over, each broken on purpose. */

const agent = "packages/platform-node/agent"
const agentWire = "packages/platform-node/src/internal/agentWire"
const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an agent sends of a file what was acknowledged, and no more",
    changes: {
      [`${sandbox}/channel/fileStreams.ts`]: [[" || unread > fileWindowBytes) return false", ") return false"]]
    },
    caughtBy: "more than was acknowledged loses"
  },
  {
    defence: "an agent sends of a file what it announced, and no more",
    changes: { [`${sandbox}/channel/fileStreams.ts`]: [["if (received > length || ", "if ("]] },
    caughtBy: "more than it announced loses"
  },
  {
    defence: "an agent sends all of a file that it announced",
    changes: {
      [`${sandbox}/channel/fileStreams.ts`]: [[
        "if (Either.isLeft(end) || isTaken || received === length)",
        "if (received >= 0)"
      ]]
    },
    caughtBy: "less than it announced loses"
  },
  {
    defence: "an agent writes of a file no more than it was given",
    changes: {
      [`${sandbox}/channel/fileStreams.ts`]: [[
        "event.event !== \"consumed\" || event.bytes > ahead",
        "event.event !== \"consumed\""
      ]]
    },
    caughtBy: "receipts for what it was not given loses"
  },
  {
    defence: "an agent offers no file that nobody takes over",
    changes: {
      [`${sandbox}/channel/fileStreams.ts`]: [[
        "if (handOver === undefined || isOffered || length !== undefined) return false",
        "if (handOver === undefined) return true"
      ]]
    },
    caughtBy: "a descriptor where none was asked for loses"
  },
  {
    defence: "an agent offers one file to be written",
    changes: {
      [`${sandbox}/channel/fileStreams.ts`]: [[
        "event.event !== \"descriptor\" || isOffered",
        "event.event !== \"descriptor\""
      ]]
    },
    caughtBy: "two descriptors loses"
  },
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
    defence: "frames of the agent are as large as the answer of their call may be",
    changes: { [`${agentWire}/frames.ts`]: [["length - 8 - jsonLength > limits.bodyBytes", "length === 0"]] },
    caughtBy: "60 MiB, more than it may"
  },
  {
    defence: "answers of a run hold so many values",
    changes: { [`${sandbox}/channel/answerLimits.ts`]: [["{ ...maxJson, cost: 2 * resultsCost }", "maxJson"]] },
    caughtBy: "values, more than it may"
  },
  {
    defence: "frames of the agent are so deep",
    changes: {
      [`${agentWire}/frames.ts`]: [[
        "withinJsonLimits(json, limits)",
        "withinJsonLimits(json, { ...limits, depth: 1e9 })"
      ]]
    },
    caughtBy: "an answer without bottom"
  },
  {
    defence: "the content of a file is as long as was asked for",
    changes: { [`${sandbox}/channel/answerLimits.ts`]: [["call.length ?? maxFrameBytes", "maxFrameBytes"]] },
    caughtBy: "more than was asked for"
  },
  {
    defence: "what is said of a file is short",
    changes: { [`${sandbox}/channel/answerLimits.ts`]: [["jsonBytes: 128 * kibibyte", "jsonBytes: maxFrameBytes"]] },
    caughtBy: "a text that nobody asked for"
  },
  {
    defence: "lists have so many bytes",
    changes: { [`${sandbox}/channel/answerLimits.ts`]: [["small.jsonBytes + listBytes", "maxFrameBytes"]] },
    caughtBy: "more entries than a directory may have"
  },
  {
    defence: "frames of the agent are decoded",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (reply === undefined) return this.end(\"its agent sent a frame that makes no sense\")",
        "if (reply === undefined) return"
      ]]
    },
    caughtBy: "an answer of another shape"
  },
  {
    defence: "answers to calls that nobody made",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (pending === undefined && !this.#cancelled.has(id)) this.end(\"its agent answered a call that nobody made\")",
        ""
      ]]
    },
    caughtBy: "an answer to a call that nobody made"
  }
]
