/** What `attacksLinks.test.ts` watches over, each broken on purpose. */

const linkProxy = "packages/platform-node/src/internal/server/routes/linkProxy.ts"
const linkHeaders = "packages/platform-node/src/internal/server/routes/linkHeaders.ts"
const linkCookies = "packages/platform-node/src/internal/server/routes/linkCookies.ts"

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
    changes: { [linkHeaders]: [["if (isHopByHop(name)) return []", ""]] },
    caughtBy: "what no reply is made of"
  },
  {
    defence: "a link into a session: cookies of other links",
    changes: { [linkCookies]: [["if (cookie.startsWith(linkCookiePrefix)) return undefined", ""]] },
    caughtBy: "what no reply is made of"
  }
]
