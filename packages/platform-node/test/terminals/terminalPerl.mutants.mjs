/** What `terminalPerl.test.ts` watches over, each broken on purpose. */

const perl = "packages/core/src/internal/session/channels/perlDriver.ts"
const channel = "packages/core/src/internal/session/channels/channel.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "Perl holds a terminal open where there is no Python",
    changes: { [channel]: [["= [pythonDriver, perlDriver]", "= [pythonDriver]"]] },
    caughtBy: "a session without Python and Perl says which programs would do"
  },
  {
    defence: "Perl keeps output until its reader has gone on",
    changes: {
      [perl]: [[
        "  substr $log, 0, $offset - $base, \"\";\n  $base = $offset;\n",
        "  $log = \"\";\n  $base = $offset;\n"
      ]]
    },
    caughtBy: "many bytes go both ways, and a slow reader holds up the command"
  }
]
