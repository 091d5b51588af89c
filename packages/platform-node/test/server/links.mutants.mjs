/** What `links.test.ts` watches over, each broken on purpose. */

const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`
const linkCookies = "packages/platform-node/src/internal/server/routes/linkCookies.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link into a session: its token",
    changes: { [gateway]: [["if (isToken(first)) return", "if (first !== \"\") return"]] },
    caughtBy: "opens for nobody without its token"
  },
  {
    defence: "a link into a session: pages from elsewhere",
    changes: { [gateway]: [["!isOwn(ownOrigin.exec(origin)?.[1], request)", "origin === \"\""]] },
    caughtBy: "opens for nobody without its token"
  },
  {
    defence: "a link into a session: a planted cookie shuts nobody out",
    changes: {
      [gateway]: [[
        ".some(([name, value]) => name === cookieName && isToken(value))",
        ".filter(([name]) => name === cookieName).slice(0, 1).some(([, value]) => isToken(value))"
      ]]
    },
    caughtBy: "carries its token to absolute paths"
  },
  {
    defence: "a link into a session: its cookies are not the session's",
    changes: { [linkCookies]: [["name.startsWith(linkCookiePrefix) ? []", "name === \"\" ? []"]] },
    caughtBy: "keeps it from the session"
  }
]
