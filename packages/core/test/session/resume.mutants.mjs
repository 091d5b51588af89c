/** What `resume.test.ts` watches over, broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an idle timeout is told to whoever resumes the session",
    changes: {
      "packages/core/src/Agb.ts": [[
        "const request = withIdleLabel(given)",
        "const request = given; void withIdleLabel"
      ]]
    },
    caughtBy: "a session that is resumed by its id lives on"
  }
]
