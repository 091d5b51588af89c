/** What `programs.test.ts` watches over, each broken on purpose. */

const compat = "packages/platform-node/src/internal/compat"

/** @type {ReadonlyArray<import("../../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "sessions of the compatible client end after their idle time",
    changes: { [`${compat}/agb.ts`]: [["{ keepAlive: false }", "{ keepAlive: true }"]] },
    caughtBy: "is not kept alive: it ends after its idle time"
  },
  {
    defence: "a session that is not to be kept alive is not",
    changes: {
      "packages/core/src/Agb.ts": [["{ isOwned, isKeptAlive })", "{ isOwned, isKeptAlive: true })"]]
    },
    caughtBy: "is not kept alive: it ends after its idle time"
  },
  {
    defence: "results of the compatible face do not print credentials",
    changes: {
      [`${compat}/results.ts`]: [["object, name, { enumerable: false }", "object, name, { enumerable: true }"]]
    },
    caughtBy: "prints no credential, and neither do the results about it"
  },
  {
    defence: "code that raised is no broken stream",
    changes: { [`${compat}/code.ts`]: [[" && cause._tag !== \"CodeExecutionError\"", ""]] },
    caughtBy: "calls onError for a run without an outcome, and not for code that raised"
  },
  {
    defence: "parameters of the compatible face that are not known are refused",
    changes: {
      [`${compat}/createSessionParams.ts`]: [["  if (wrong !== undefined) return wrong\n", "  void wrong\n"]]
    },
    caughtBy: "is refused by name among the parameters of a session"
  },
  {
    defence: "a watch of the compatible face ends with its session",
    changes: { [`${compat}/watch.ts`]: [[" || cause?._tag === \"SessionLostError\"", ""]] },
    caughtBy: "ends a watch with its session"
  }
]
