/** What `fileRoute.test.ts` watches over, each broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "no more of a file is taken than was announced",
    changes: {
      "packages/core/src/internal/session/files/directFiles.ts": [
        ["return found > length ? Effect.fail(changed(operation, path, found, length)) :", "return"]
      ]
    },
    caughtBy: "takes no more bytes than were announced"
  }
]
