/** What `guardian.test.ts` watches over, each broken on purpose. */

const guardian = "packages/platform-node/src/internal/guardian"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a program without Effect has the guardian that it asks for",
    changes: {
      "packages/platform-node/src/AgbPromise.ts": [[
        "Layer.merge(transport.layer, guardian.layer(given))",
        "transport.layer"
      ]]
    },
    caughtBy: "deletes those of a program without Effect, and ends with its disposal where it is not killed"
  },
  {
    defence: "a guardian is no member of the process group of its program",
    changes: { [`${guardian}/guardianProcess.ts`]: [["      detached: true,\n", ""]] },
    caughtBy: "survives the signals that end programs"
  },
  {
    defence: "a guardian ignores the signals that end programs",
    changes: {
      [`${guardian}/program/main.ts`]: [[
        "[\"SIGINT\", \"SIGTERM\", \"SIGHUP\", \"SIGQUIT\"] as const",
        "[\"SIGINT\", \"SIGHUP\", \"SIGQUIT\"] as const"
      ]]
    },
    caughtBy: "survives the signals that end programs"
  },
  {
    defence: "a guardian does not inherit the environment",
    changes: {
      [`${guardian}/guardianProcess.ts`]: [[
        "env: environmentOf(process.env)",
        "env: { ...process.env, ...environmentOf(process.env) }"
      ]]
    },
    caughtBy: "has no key in its arguments and its environment"
  },
  {
    defence: "a guardian looks for creates in flight",
    changes: {
      [`${guardian}/program/deletion.ts`]: [[
        "(label) => removeAttempt(label, isInherited)",
        "(label) => isInherited ? removeAttempt(label, true) : Effect.void"
      ]]
    },
    caughtBy: "finds the session of a create whose reply was lost"
  },
  {
    defence: "a guardian that ends is started again",
    changes: { [`${guardian}/guardianProcess.ts`]: [["const maxRestarts = 5", "const maxRestarts = 0"]] },
    caughtBy: "that ends too early is reported, started again"
  },
  {
    defence: "a guardian that is started again is told everything",
    changes: {
      [`${guardian}/guardianProcess.ts`]: [[
        "    for (const [watch, watched] of this.#watched) this.#tell(watch, watched)\n",
        ""
      ]]
    },
    caughtBy: "that ends too early is reported, started again"
  },
  {
    defence: "journals of programs that run are left alone",
    changes: {
      [`${guardian}/program/journal.ts`]: [[
        "if (status !== \"unknown\") return status === \"ended\"",
        "if (status !== \"unknown\") return true"
      ]]
    },
    caughtBy: "of a program that runs is left alone"
  },
  {
    defence: "journals that have been touched lately are left alone",
    changes: { [`${guardian}/program/journal.ts`]: [["Date.now() - modified > silence", "Date.now() - modified > 0"]] },
    caughtBy: "of a program that cannot be looked for"
  },
  {
    defence: "journals that have been changed are left alone",
    changes: {
      [`${guardian}/program/journalFile.ts`]: [[
        "if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined",
        "if (given.length !== wanted.length && !timingSafeEqual(given, wanted)) return undefined"
      ]]
    },
    caughtBy: "of a program that cannot be looked for"
  },
  {
    defence: "journals that others can read are left alone",
    changes: { [`${guardian}/program/journalFile.ts`]: [[" && (stat.mode & 0o077) === 0", ""]] },
    caughtBy: "of a program that cannot be looked for"
  },
  {
    defence: "journals are private",
    changes: { [`${guardian}/program/journalFile.ts`]: [["\"wx\", 0o600", "\"wx\", 0o644"]] },
    caughtBy: "lets the next program delete what was left behind"
  }
]
