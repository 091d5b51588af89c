/** What `isolation.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what a script has chosen is asked for again",
    changes: {
      "packages/platform-node/src/internal/sandbox/languages/interpreterSearch.ts": [[
        "if (isScript(program)) return run(program, args)",
        ""
      ]]
    },
    caughtBy: "that are chosen by a script are asked for again by each server of a process"
  },
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
  },
  {
    defence: "no lower level where too few files can be open",
    changes: {
      "packages/platform-node/src/internal/sandbox/requirements.ts": [["[linux, node, openFiles,", "[linux, node,"]]
    },
    caughtBy: "refuses to start where too few files can be open, instead of taking a lower level"
  },
  {
    defence: "no local runtime on Bun",
    changes: {
      "packages/platform-node/src/internal/sandbox/requirements.ts": [[
        "[linux, node, openFiles,",
        "[linux, openFiles,"
      ]]
    },
    caughtBy: "refuses bun at every level, and says what to do instead"
  }
]
