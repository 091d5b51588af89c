/** What `program.test.ts` watches over, each broken on purpose. */

const launcher = `packages/platform-node/src/internal/cli/launcher.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "agb-local does not outlive the npm that started it",
    changes: { [launcher]: [["if (!isGone(launcher)) return", "if (launcher.pid > 0) return"]] },
    caughtBy: "by SIGKILL, ends and leaves nothing"
  },
  {
    defence: "agb-local outlives npm in a session of its own",
    changes: { [launcher]: [[" || isDetached()) return", ") return"]] },
    caughtBy: "goes on when it was started by something else"
  }
]
