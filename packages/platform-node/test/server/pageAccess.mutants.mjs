/** What `pageAccess.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/platform-node/src/internal/server/page/${name}.ts`

const nothing = "gives nothing without its address"
const once = "is entered once by its address"
const sites = "answers to no other site"
const entered = "is entered from another site by a navigation"
const looking = "can be for looking only"
const told = "is told when the session ends"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an address works once",
    changes: { [source("access/doors")]: [["    this.#passes.delete(digest(secret))\n", ""]] },
    caughtBy: once
  },
  {
    defence: "a page needs a cookie or a code",
    changes: { [source("pageSite")]: [["if (may === undefined && !isEntry)", "if (code === \"none\")"]] },
    caughtBy: nothing
  },
  {
    defence: "a session that is there looks like one that is not",
    changes: {
      [source("pageSite")]: [[
        "if (may === undefined && !isEntry) return Effect.sync(() => sendNothing(exchange))",
        "if (may === undefined && !isEntry) return Effect.sync(() => sendRefusal(exchange, \"no\"))"
      ]]
    },
    caughtBy: nothing
  },
  {
    defence: "what changes something names its origin, and so does a WebSocket",
    changes: {
      [source("access/fetchMetadata")]: [["origin === undefined ? needsOrigin :", "origin === undefined ? false :"]]
    },
    caughtBy: sites
  },
  {
    defence: "the origin is that of the page",
    changes: {
      [source("access/fetchMetadata")]: [[
        "needsOrigin : !isOwnOrigin(origin, host)",
        "needsOrigin : origin === \"null\""
      ]]
    },
    caughtBy: sites
  },
  {
    defence: "fetch metadata of other sites",
    changes: {
      [source("access/fetchMetadata")]: [[
        "return mayBeForeign || isOfPage(request) ?",
        "return mayBeForeign || origin !== \"\" ?"
      ]]
    },
    caughtBy: sites
  },
  {
    defence: "another site leads to a page by a navigation alone",
    changes: {
      [source("access/fetchMetadata")]: [[
        "isEntry && [undefined, \"navigate\"].includes(request.headers[\"sec-fetch-mode\"]?.toString())",
        "isEntry"
      ]]
    },
    caughtBy: entered
  },
  {
    defence: "a prefetch is not let in",
    changes: { [source("pageSite")]: [["!isPrefetch(request) && ", ""]] },
    caughtBy: entered
  },
  {
    defence: "after another site the page itself goes on, for its strict cookie",
    changes: { [source("pageSite")]: [["isForeign(exchange.request)", "exchange.method === \"HEAD\""]] },
    caughtBy: entered
  },
  {
    defence: "the cookie is for scripts of nobody",
    changes: { [source("pageSite")]: [["Path=/; HttpOnly; SameSite=Strict", "Path=/; SameSite=Strict"]] },
    caughtBy: once
  },
  {
    defence: "a read-only page changes nothing",
    changes: {
      [source("http/pageRoute")]: [[
        "route.access === \"steer\" ? mustSteer(place.access) : Effect.void",
        "Effect.void"
      ]]
    },
    caughtBy: looking
  },
  {
    defence: "a read-only page has no terminal",
    changes: { [source("routes/terminal")]: [["    yield* mustSteer(access)\n", ""]] },
    caughtBy: looking
  },
  {
    defence: "the name of a page is for its port",
    changes: {
      [source("access/pageHosts")]: [[
        "`${labelOf(target)}.localhost:${port}` ? target",
        "`${labelOf(target)}.localhost:${port}` || name !== \"\" ? target"
      ]]
    },
    caughtBy: "does not take the cookie or the address of another session"
  },
  {
    defence: "a target in absolute form is for the same host",
    changes: { [source("pageSite")]: [["  namesOther(request) ? undefined : targetOf(", "  targetOf("]] },
    caughtBy: "takes the host from one place"
  },
  {
    defence: "a bounded number of addresses",
    changes: { [source("access/doors")]: [["const maxCodes = 32", "const maxCodes = 64"]] },
    caughtBy: "keeps a bounded number of addresses"
  },
  {
    defence: "who had a page open is told that the session has ended",
    changes: {
      [source("access/pageAccess")]: [[
        "if (found?.door.hasCookies !== true) return",
        "if (found !== undefined) return"
      ]]
    },
    caughtBy: told
  },
  {
    defence: "an address leads nowhere once the session has ended",
    changes: { [source("pageSite")]: [["code !== null && place.kind !== \"ended\" &&", "code !== null &&"]] },
    caughtBy: told
  },
  {
    defence: "no inline script on a page",
    changes: { [source("access/pageHeaders")]: [["\"script-src 'self'\"", "\"script-src 'self' 'unsafe-inline'\""]] },
    caughtBy: "sends what protects it"
  },
  {
    defence: "no page in a frame of others",
    changes: { [source("access/pageHeaders")]: [["\"frame-ancestors 'none'\"", "\"frame-ancestors *\""]] },
    caughtBy: "sends what protects it"
  },
  {
    defence: "the API has no routes on the host of a page",
    changes: {
      ["packages/platform-node/src/internal/server/http/httpServer.ts"]: [[
        "const route = isOfSite ? site.route :",
        "const route = isOfSite && path !== \"/sdk/ListSession\" ? site.route :"
      ]]
    },
    caughtBy: "leaves the routes of the API to programs"
  }
]
