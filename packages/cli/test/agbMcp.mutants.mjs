/** What `agbMcp.test.ts` watches over, each broken on purpose. */

const mcp = "packages/cli/src/commands/mcp.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a session that is there is used",
    changes: { [mcp]: [["Option.match(session, {", "Option.match(Option.filter(session, () => false), {"]] },
    caughtBy: "serves a session that is there, and leaves it"
  },
  {
    defence: "nothing but the protocol is written to standard output",
    changes: { [mcp]: [["  json\n", "  !json\n"]] },
    caughtBy: "has standard output for its protocol alone"
  }
]
