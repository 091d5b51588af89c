/** What `process.test.ts` watches over, each broken on purpose. */

const main = "packages/platform-node/src/internal/node/processMain.ts"
const streams = "packages/platform-node/src/internal/node/standardStreams.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "hangups never end the process at once",
    changes: { [main]: [["      if (signal === \"SIGHUP\") return\n", ""]] },
    caughtBy: "exits with 129 after several hangups"
  },
  {
    defence: "a closed standard error is no error",
    changes: { [streams]: [["  process.stderr.on(\"error\", () => {})\n", ""]] },
    caughtBy: "exits with 0 after success, though it complained"
  },
  {
    defence: "a closed standard output is no crash",
    changes: { [streams]: [["isReaderGone(error) ? onClosedOutput() : onError(error)", "onError(error)"]] },
    caughtBy: "is interrupted when it writes, and exits with 0"
  },
  {
    defence: "Node exits though its terminal is gone",
    changes: { [main]: [["    closeLostTerminals()\n", ""]] },
    caughtBy: "exits with 129, whatever it throws meanwhile"
  },
  {
    defence: "an exception that cannot be printed ends the process like any other",
    changes: { [main]: [["printError(`Uncaught: ${describe(error)}`)", "printError(`Uncaught: ${String(error)}`)"]] },
    caughtBy: "that has no text exits with 1"
  }
]
