/** What `attacksLog.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the log holds no path",
    changes: {
      [`packages/platform-node/src/internal/server/http/httpServer.ts`]: [[
        "route: route.name(method, path),",
        "route: request.url ?? route.name(method, path),"
      ]]
    },
    caughtBy: "shows no key, token, code or path"
  },
  {
    defence: "the log quotes no defect",
    changes: {
      [`packages/platform-node/src/internal/server/http/requestLog.ts`]: [[
        "return [defect.name, ...lines",
        "return [defect.name, defect.message, ...lines"
      ]]
    },
    caughtBy: "names the place of a defect"
  },
  {
    defence: "the log quotes no lines of a defect",
    changes: {
      [`packages/platform-node/src/internal/server/http/requestLog.ts`]: [[
        "stack.slice(at + defect.message.length)",
        "stack"
      ]]
    },
    caughtBy: "names the place of a defect"
  }
]
