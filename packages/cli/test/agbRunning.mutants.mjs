/** What `agbRunning.test.ts` watches over, each broken on purpose. */

const source = (name) => `packages/cli/src/${name}.ts`

const runs = "prints while the code runs, shows values, saves figures"
const leaves = "leaves no session after Ctrl-C"
const literal = "passes on arguments literally"
const signals = "passes on a signal"
const detached = "leaves a command running with --detach"

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
    defence: "a name that is taken is refused",
    changes: { [source("commands/exec")]: [["if (!isNew) {", "if (isNew === undefined) {"]] },
    caughtBy: detached
  },
  {
    defence: "a signal that there is not is refused",
    changes: {
      [source("commands/processes")]: [["return found === undefined", "return text === \"\""], [
        "Effect.succeed(found[0])",
        "Effect.succeed(found?.[0] ?? \"SIGTERM\")"
      ]]
    },
    caughtBy: detached
  },
  {
    defence: "an image is not ignored",
    changes: { [source("session/backend")]: [["if (!isOwn && Option.isSome(image)) {", "if (isOwn && !isOwn) {"]] },
    caughtBy: "says that a session has its image already"
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
  }
]
