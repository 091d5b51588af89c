/** What `settings.test.ts` watches over, each broken on purpose. */

const settings = "packages/platform-node/src/internal/compat/settings.ts"

/** @type {ReadonlyArray<import("../../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a .env file does not choose who gets the key",
    changes: { [settings]: [["checkEndpoint(file[\"AGB_ENDPOINT\"])", "void checkEndpoint"]] },
    caughtBy: "never have the endpoint of a file: it must not choose who gets the key"
  },
  {
    defence: "options of the compatible client that are not known are refused",
    changes: {
      [settings]: [["  if (wrong !== undefined) throw new AGBError(wrong)\n", "  void wrong\n"]]
    },
    caughtBy: "that are wrong or unknown are named"
  },
  {
    defence: "a named .env file must be there",
    changes: { [settings]: [["    if (envFile === undefined) return {}\n", "    if (path !== \"\") return {}\n"]] },
    caughtBy: "that are wrong or unknown are named"
  }
]
