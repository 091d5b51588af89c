/** What `contract.test.ts` watches over, each broken on purpose. */

const assertions = "packages/core/src/internal/contract/assert.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the contract compares fields",
    changes: { [assertions]: [["isDeepEqual(one[key], other[key]))", "key in one)"]] },
    caughtBy: "standard output, standard error and exit code are told apart"
  },
  {
    defence: "the contract compares items",
    changes: { [assertions]: [["isDeepEqual(item, other[index]))", "index >= 0)"]] },
    caughtBy: "the last value, standard output and standard error are told apart"
  },
  {
    defence: "the contract compares values",
    changes: { [assertions]: [["if (!Object.is(actual, expected)) refuse", "if (actual === refuse) refuse"]] },
    caughtBy: "where characters beyond ASCII arrive whole"
  },
  {
    defence: "the contract compares the tags of errors",
    changes: { [assertions]: [["      assert.strictEqual(error._tag, tag, String(error))\n", ""]] },
    caughtBy: "code that takes too long is stopped"
  },
  {
    defence: "a success is no failure",
    changes: { [assertions]: [["assert.fail(`expected ${tag}, but", "String(`expected ${tag}, but"]] },
    caughtBy: "an exit code that is not accepted is an error"
  },
  {
    defence: "the contract looks for texts",
    changes: {
      [assertions]: [["typeof actual === \"string\" && actual.includes(expected)", "typeof actual === \"string\""]]
    },
    caughtBy: "javascript: characters beyond ASCII arrive whole"
  },
  {
    defence: "a backend without a shell is told what it lacks",
    changes: {
      "packages/core/src/AgbContract.ts": [[
        "if (requires !== undefined && !shell) return \"a shell\"",
        "if (!shell && requires === \"fileSystem\") return \"a shell\""
      ]]
    },
    caughtBy: "names what a backend lacks, and leaves nothing out in silence"
  }
]
