/** What `isolation.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "no memory files where nobody could see them",
    changes: {
      "packages/platform-node/src/internal/sandbox/confine/seccomp.ts": [[
        "...(memoryFiles ? []",
        "...(memoryFiles || others ? []"
      ]]
    },
    caughtBy: "has no memory files where nobody could see them"
  },
  {
    defence: "none only when asked for in words",
    changes: {
      "packages/platform-node/src/internal/sandbox/isolationProbe.ts": [[
        ": firstThatWorks(request)",
        ": Effect.succeed(none)"
      ]]
    },
    caughtBy: "is never none unless asked for in words"
  }
]
