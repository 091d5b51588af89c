/** What `agbHostsLocal.test.ts` watches over, each broken on purpose. */

const service = "packages/cluster/src/AgbHosts.ts"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "what works in a session takes no way past the router, where nobody is told that the host is gone",
    changes: { [service]: [["  delete copy.linkUrl\n", ""]] },
    caughtBy: "are placed by load, stay, and are lost with a host that is killed"
  },
  {
    defence: "files go to the host of the session",
    changes: { [service]: [["name !== fileBytesRoute", "name !== \"\""]] },
    caughtBy: "have the contexts again that their host keeps on storage"
  }
]
