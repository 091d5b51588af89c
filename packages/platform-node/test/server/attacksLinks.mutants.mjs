/** What `attacksLinks.test.ts` watches over, each broken on purpose. */

const linkProxy = "packages/platform-node/src/internal/server/routes/linkProxy.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link into a session: what no reply is made of",
    changes: {
      [linkProxy]: [["response.writeHead(statusCode, [", "response.writeHead(statusCode, reply.statusMessage, ["]]
    },
    caughtBy: "what no reply is made of",
    fails: "fetch failed"
  },
  {
    defence: "a link into a session: headers between neighbours",
    changes: { [linkProxy]: [["!hopByHop.test(pair[0]) && ", ""]] },
    caughtBy: "what no reply is made of"
  },
  {
    defence: "a link into a session: cookies of other links",
    changes: { [linkProxy]: [[" && !affectsOtherLinks(pair)", ""]] },
    caughtBy: "what no reply is made of"
  }
]
