/** What `agb.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/cli/src/${name}.ts`

const runs = "prints while the code runs, shows values, saves figures"
const leaves = "leaves no session after Ctrl-C"
const literal = "passes on arguments literally"
const signals = "passes on a signal"
const detached = "leaves a command running with --detach"
const manages = "manage the sessions of the account"
const collects = "list what a killed program has left behind"
const copies = "copies files and directories both ways"
const terminal = "is the terminal of the session"
const says = "says in a sentence what is wrong"
const helps = "has help, completions, a version"

/** @type {ReadonlyArray<import("../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "agb run fails where the code failed",
    changes: { [source("commands/run")]: [["new ExitCode({ code: 1 })", "Effect.void"]] },
    caughtBy: runs
  },
  {
    defence: "what code raised is shown once",
    changes: { [source("commands/run")]: [["stderr.trimEnd().endsWith(text)", "text === \"\""]] },
    caughtBy: runs
  },
  {
    defence: "figures are saved in the folder that was asked for",
    changes: {
      [source("commands/run")]: [["Option.getOrElse(output, () =>", "Option.getOrElse(Option.none<string>(), () =>"]]
    },
    caughtBy: runs
  },
  {
    defence: "a time limit has an exit code of its own",
    changes: { [source("failure")]: [["const timedOut = 124", "const timedOut = 1"]] },
    caughtBy: runs
  },
  {
    defence: "sessions of a killed agb are deleted",
    changes: {
      [source("session/backend")]: [[
        "NodeAgb.layerConfig().pipe(Layer.provide(NodeAgb.layerGuardian()))",
        "NodeAgb.layerConfig()"
      ]]
    },
    caughtBy: leaves
  },
  {
    defence: "arguments are quoted for the shell",
    changes: { [source("session/literal")]: [["words.map(quote).join", "words.join"]] },
    caughtBy: literal
  },
  {
    defence: "standard input is passed on",
    changes: {
      [source("commands/exec")]: [[
        "Stream.run(NodeStream.stdin, stdin)",
        "Stream.run(Stream.drain(NodeStream.stdin), stdin)"
      ]]
    },
    caughtBy: literal
  },
  {
    defence: "the exit code is that of the command",
    changes: { [source("commands/exec")]: [["if (exitCode !== 0) return", "if (exitCode > 255) return"]] },
    caughtBy: literal
  },
  {
    defence: "a command that was stopped at its time limit is told from one that was killed",
    changes: { [source("commands/exec")]: [["if (exit.timedOut) {", "if (exitCode < 0) {"]] },
    caughtBy: literal
  },
  {
    defence: "the signal that agb got is the one that the command gets",
    changes: {
      [source("commands/exec")]: [["passOn(process, last.signal, ended)", "passOn(process, undefined, ended)"]]
    },
    caughtBy: signals
  },
  {
    defence: "what a command says to a signal is shown",
    changes: { [source("commands/exec")]: [["    Effect.zipRight(Fiber.await(ended)),\n", ""]] },
    caughtBy: signals
  },
  {
    defence: "logs do not wait for the end unless they are followed",
    changes: {
      "packages/core/src/internal/session/processes/follow.ts": [[
        "!isFollowed ? \"read\"",
        "target.key === \"\" ? \"read\""
      ]]
    },
    caughtBy: detached
  },
  {
    defence: "agb rm fails where a session was not deleted",
    changes: { [source("commands/sessions")]: [["if (results.some(Either.isLeft))", "if (results.length === 0)"]] },
    caughtBy: manages
  },
  {
    defence: "agb gc deletes nothing unless it is told to",
    changes: { [source("commands/gc")]: [["dryRun: !given.force", "dryRun: false"]] },
    caughtBy: collects
  },
  {
    defence: "a copy goes into a directory that is there",
    changes: { [source("commands/cp")]: [["isDirectory ? Path.posix.join(path, Path.posix.basename(source)) :", ""]] },
    caughtBy: copies
  },
  {
    defence: "what a copy leaves out is said",
    changes: { [source("commands/cp")]: [["if (skipped.length > 0) {", "if (skipped.length < 0) {"]] },
    caughtBy: copies
  },
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
    caughtBy: "has headings in bold and a progress bar"
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
