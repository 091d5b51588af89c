/** What `processShells.test.ts` watches over, each broken on purpose. */

const scripts = "packages/core/src/internal/session/processes/scripts.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a signal that does not exist is not sent",
    changes: { [scripts]: [["2>/dev/null || { echo \"agb unknown\"; exit 0; }", "2>/dev/null || true"]] },
    caughtBy: "dash a signal without a meaning here is refused"
  },
  {
    defence: "an exit code above 128 is no signal",
    changes: { [scripts]: [["[ \"$how\" = signaled ] && name", "[ \"$status\" -gt 128 ] && name"]] },
    caughtBy: "dash exit codes and signals are told apart"
  },
  {
    defence: "that a command ran when another child ended says nothing of its end",
    changes: { [scripts]: [["Running\"*) ;;", "Running\"*) break ;;"]] },
    caughtBy: "Bash a signal is told also if what fed standard input has ended before"
  },
  {
    defence: "what feeds standard input is what is killed",
    changes: { [scripts]: [["agb-stdin \"$dir\" ) &", "agb-stdin \"$dir\"; : ) &"], ["; exec sh -c", "; sh -c"]] },
    caughtBy: "dash what feeds standard input ends with the process"
  },
  {
    defence: "a process whose end is known takes no more input",
    changes: { [scripts]: [["closed() { [ -e exit ] || ", "closed() { "]] },
    caughtBy: "dash what is written after the end is refused"
  },
  {
    defence: "what has left the group is found by its tag",
    changes: { [scripts]: [["for found in $(grep -l", "for found in $(true"]] },
    caughtBy: "dash a signal reaches the group, the time limit and the end of the scope the whole tree"
  }
]
