/** What `transport.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "fetch where undici has no dispatcher",
    changes: {
      "packages/platform-node/src/internal/node/transport.ts": [[
        "hasDispatcher() ? undiciTransport.layer({ long, short }) : layerFetch",
        "undiciTransport.layer({ long, short })"
      ]]
    },
    caughtBy: "sends a request and reads the reply over fetch"
  },
  {
    defence: "no redirect over fetch",
    changes: {
      "packages/core/src/internal/client/transport/httpTransport.ts": [["redirect: \"manual\"", "redirect: \"follow\""]]
    },
    caughtBy: "follows no redirect, to which it would send the key"
  }
]
