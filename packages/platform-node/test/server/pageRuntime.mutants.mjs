/** What `pageRuntime.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/platform-node/src/internal/server/page/${name}.ts`

const key = "gives addresses of pages to those who have the key"
const forgets = "forgets an address after half an hour"
const lists = "lists its sessions on a page of its own"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "addresses need the key",
    changes: {
      [source("routes/pagesRoute")]: [[
        "isKey(request.headers.authorization)",
        "request.headers.authorization !== \"\""
      ]]
    },
    caughtBy: key
  },
  {
    defence: "an address works for half an hour",
    changes: { [source("access/doors")]: [["30 * 60_000", "60 * 60_000"]] },
    caughtBy: forgets
  },
  {
    defence: "a cookie works for half a day",
    changes: { [source("access/doors")]: [["12 * 60 * 60_000", "24 * 60 * 60_000"]] },
    caughtBy: forgets
  },
  {
    defence: "who may only look at the list steers no session",
    changes: {
      [source("routes/runtimeRoutes")]: [[
        "if (wanted.access === \"steer\") yield*",
        "if (wanted.sessionId === \"\") yield*"
      ]]
    },
    caughtBy: lists
  },
  {
    defence: "no path of a page in the log",
    changes: { [source("pageSite")]: [["name: () => \"page\"", "name: (_method, path) => path"]] },
    caughtBy: "writes no code, no cookie and no path"
  }
]
