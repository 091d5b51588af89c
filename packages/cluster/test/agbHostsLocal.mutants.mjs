/** What `agbHostsLocal.test.ts` watches over, each broken on purpose. */

const service = "packages/cluster/src/AgbHosts.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "files go to the host of the session",
    changes: { [service]: [["name !== fileBytesRoute", "name !== \"\""]] },
    caughtBy: "have the contexts again that their host keeps on storage"
  }
]
