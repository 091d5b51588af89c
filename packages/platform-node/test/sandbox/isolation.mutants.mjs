/** What `isolation.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "interpreters are asked once by all servers of a process",
    changes: {
      "packages/platform-node/src/internal/sandbox/languages/interpreterSearch.ts": [[
        "if (known !== undefined) return Effect.succeed(known)",
        ""
      ]]
    },
    caughtBy: "are asked once by all servers of a process, and again when they have changed"
  },
  {
    defence: "interpreters that have changed are asked again",
    changes: {
      "packages/platform-node/src/internal/sandbox/languages/interpreterSearch.ts": [[
        "[program, ino, mtimeMs, size, args, env]",
        "[program, args, env]"
      ]]
    },
    caughtBy: "are asked once by all servers of a process, and again when they have changed"
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
