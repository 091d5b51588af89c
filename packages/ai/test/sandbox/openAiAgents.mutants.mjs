/** What `openAiAgents.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/ai/src/internal/sandbox"

const runs = "a run of a sandbox agent has its tools in a session, which is deleted at its end"
const files = "files are patched, read and seen, and what cannot be is said"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the session of an agent of OpenAI's SDK is deleted when its run ends",
    changes: { [`${sandbox}/openAiSession.ts`]: [["delete: destroy", "delete: async () => {}"]] },
    caughtBy: runs
  },
  {
    defence: "the session of an agent of OpenAI's SDK is deleted when its manifest cannot be had",
    changes: {
      [`${sandbox}/openAiClient.ts`]: [[
        "Effect.onError((cause) => close(Exit.failCause(cause)))",
        "Effect.onError(() => Effect.void)"
      ]]
    },
    caughtBy: files
  },
  {
    defence: "a command of an agent of OpenAI's SDK is stopped at its time limit, and said to be",
    changes: { [`${sandbox}/openAiSession.ts`]: [["exitCode: 124,", "exitCode: 0,"]] },
    caughtBy: runs
  },
  {
    defence: "the environment of a manifest is that of its commands",
    changes: { [`${sandbox}/openAiSession.ts`]: [["envs: state.environment, timeout", "timeout"]] },
    caughtBy: runs
  },
  {
    defence: "an entry of a manifest that a session cannot have is refused",
    changes: {
      [`${sandbox}/openAiSession.ts`]: [[
        "if (entry.type !== \"dir\") return",
        "if (entry.type !== \"dir\" && entry.type !== \"git_repo\") return"
      ], [
        "Object.entries(entry.children ?? {})",
        "Object.entries((\"children\" in entry && entry.children) || {})"
      ]]
    },
    caughtBy: files
  },
  {
    defence: "a patch that does not fit is an answer to the model",
    changes: {
      [`${sandbox}/openAiSession.ts`]: [[
        "{ status: \"failed\", output: error.message }",
        "{ status: \"completed\", output: error.message }"
      ]]
    },
    caughtBy: files
  }
]
