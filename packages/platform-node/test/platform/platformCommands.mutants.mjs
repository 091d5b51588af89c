/** What `platformCommands.test.ts` watches over, each broken on purpose. */

const platform = "packages/core/src/internal/session/platform"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "characters that are split over chunks are decoded whole",
    changes: { [`${platform}/output.ts`]: [["decoder.decode(piece, { stream: true })", "decoder.decode(piece)"]] },
    caughtBy: "characters are whole, however they arrive"
  },
  {
    defence: "variables are quoted",
    changes: { [`${platform}/commandLine.ts`]: [["quote(`${name}=${value}`)", "JSON.stringify(`${name}=${value}`)"]] },
    caughtBy: "arguments, variables and directories are literal, whatever they contain"
  },
  {
    defence: "a program with = in its name is no variable",
    changes: { [`${platform}/commandLine.ts`]: [["words[0]?.includes(\"=\") === true", "words[0] === \"\""]] },
    caughtBy: "the environment is that of the session, or empty"
  },
  {
    defence: "an empty environment keeps what the session finds descendants by",
    changes: { [`${platform}/commandLine.ts`]: [[", `\"${runVariable}=$${runVariable}\"`", ""]] },
    caughtBy: "the end of the scope ends the command with all that it started"
  },
  {
    defence: "a pipe does not wait for what nobody reads any more",
    changes: {
      [`${platform}/commandLine.ts`]: [[
        "`{ { ${executed(command)}; } <&3 3<&-${errors} & } 3<&0 | `",
        "`{ ${executed(command)}; }${errors} | `"
      ]]
    },
    caughtBy: "a pipe ends with its last command"
  },
  {
    defence: "a file that may not be executed is told before it is started",
    changes: { [`${platform}/commandLine.ts`]: [["[ -f \"$2\" ] && [ -x \"$2\" ] || fail", "[ -f \"$2\" ] || fail"]] },
    caughtBy: "what cannot be started fails as it does on Node"
  },
  {
    defence: "a command that reads no further is no failure",
    changes: {
      [`${platform}/executor.ts`]: [["error.reason === \"StdinClosed\" || error.reason === \"Gone\"", "false"]]
    },
    caughtBy: "input from a text, a stream and a sink"
  },
  {
    defence: "an input that fails is the failure of the command",
    changes: {
      [`${platform}/executor.ts`]: [[
        "Effect.zipRight(Deferred.failCause(failure, cause), Effect.ignore(process.stop))",
        "Effect.zipRight(Effect.succeed([failure, cause]), Effect.ignore(process.stop))"
      ]]
    },
    caughtBy: "an input that fails ends the command, and is its failure"
  },
  {
    defence: "a signal is no exit code",
    changes: {
      [`${platform}/executor.ts`]: [[
        "Option.match(signal, {\n        onNone",
        "Option.match(Option.filter(signal, () => false), {\n        onNone"
      ]]
    },
    caughtBy: "a signal ends the command, and is told from an exit code"
  }
]
