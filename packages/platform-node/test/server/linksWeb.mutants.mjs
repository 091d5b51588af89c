/** What `linksWeb.test.ts` watches over, each broken on purpose. */

const routes = "packages/platform-node/src/internal/server/routes"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link: an origin other than its own is not passed off as its own",
    changes: { [`${routes}/linkHeaders.ts`]: [["value.toLowerCase() === ownOrigin ?", "value !== \"\" ?"]] },
    caughtBy: "sees itself in Host, Origin and Referer alike"
  },
  {
    defence: "a link: a redirect to two slashes names no other host",
    changes: { [`${routes}/linkHeaders.ts`]: [["result.startsWith(\"//\") ? `/.${result}` : result", "result"]] },
    caughtBy: "keeps its redirects inside of the link"
  },
  {
    defence: "a link: the rest of a refused body is discarded before the connection closes",
    changes: { [`${routes}/linkProxy.ts`]: [["if (response.shouldKeepAlive) response.end()", "response.end()"]] },
    caughtBy: "delivers what it answers before it has read the request"
  },
  {
    defence: "a link: who goes on sending is not cut off",
    changes: {
      [`${routes}/linkProxy.ts`]: [["request.on(\"data\", () => silence.refresh())", "request.on(\"data\", () => {})"]]
    },
    caughtBy: "delivers it also to who goes on sending for long"
  },
  {
    defence: "a link: browsers do not hand over the cookies of other programs",
    changes: { [`${routes}/linkGateway.ts`]: [["isBrowser(request) && request", "request.url === \"\" && request"]] },
    caughtBy: "the cookies alone that it has set"
  },
  {
    defence: "a link: a cookie is for its host alone",
    changes: { [`${routes}/linkCookies.ts`]: [[".replace(/;\\s*domain\\s*(=[^;]*)?(?=;|$)/gi, \"\")", ""]] },
    caughtBy: "has a host name of its own in browsers"
  }
]
