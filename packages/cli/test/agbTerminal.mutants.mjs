/** What `agbTerminal.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/cli/src/${name}.ts`

const terminal = "is the terminal of the session"
const says = "says in a sentence what is wrong"
const helps = "has help, a version"
const bars = "has headings in bold and a progress bar"

/** @type {ReadonlyArray<import("../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the terminal of the session has the size of this one",
    changes: { [source("commands/sh")]: [["return resize(columns, rows)", "return resize(columns, rows + 1)"]] },
    caughtBy: terminal
  },
  {
    defence: "modes that a program has switched on are switched off",
    changes: {
      [source("output/rawTerminal")]: [["    if (reset !== \"\") stdout.write(reset)\n", "    void reset\n"]]
    },
    caughtBy: terminal
  },
  {
    defence: "how far a transfer is is shown on a terminal",
    changes: { [source("output/progress")]: [["isShown: process.stderr.isTTY === true", "isShown: false"]] },
    caughtBy: bars
  },
  {
    defence: "~. leaves a terminal that does not answer",
    changes: { [source("output/escape")]: [["isEnd: true", "isEnd: false"]] },
    caughtBy: terminal
  },
  {
    defence: "unknown options are refused",
    changes: { [source("arguments")]: [["if (kind === undefined) return", "if (kind === null) return"]] },
    caughtBy: says
  },
  {
    defence: "wrong arguments have an exit code of their own",
    changes: { [source("failure")]: [["if (error instanceof UsageError ||", "if ("]] },
    caughtBy: says
  },
  {
    defence: "a command that was not run is told from one that failed",
    changes: { [source("failure")]: [["export const notRun = 125", "export const notRun = 1"]] },
    caughtBy: says
  },
  {
    defence: "--local does not go to the cloud",
    changes: { [source("session/backend")]: [["local && !isLoopback(", "!local && !isLoopback("]] },
    caughtBy: says
  },
  {
    defence: "colours are where they are wanted",
    changes: {
      [source("output/style")]: [["return forced !== \"0\" && forced !== \"false\"", "return isTTY === true"]]
    },
    caughtBy: helps
  }
]
