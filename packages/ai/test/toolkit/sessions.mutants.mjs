/** What `sessions.test.ts` watches over, each broken on purpose. */

const source = "packages/ai/src"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "calls at the same time have one session",
    changes: { [`${source}/internal/firstSuccess.ts`]: [["turn.withPermits(1)(acquireOnce)", "acquireOnce"]] },
    caughtBy: "is created by the first call, is one for all, and is deleted with the layer"
  },
  {
    defence: "a session that could not be created is asked for again",
    changes: {
      [`${source}/internal/keptSession.ts`]: [[
        "firstSuccess(Effect.provide(acquire, context))",
        "yield* Effect.cached(Effect.provide(acquire, context))"
      ]]
    },
    caughtBy: "is created by a later call if the first could not"
  },
  {
    defence: "a lost session is an error of the program",
    changes: {
      [`${source}/internal/tools/failures.ts`]: [[
        "Object.hasOwn(problems, error._tag)",
        "Object.hasOwn(problems, error._tag) || error._tag === \"SessionLostError\""
      ]]
    },
    caughtBy: "is a typed error of the call when it is lost, and no result"
  },
  {
    defence: "processes of a model do not stay in a session that goes back to its pool",
    changes: {
      [`${source}/internal/tools/processTools.ts`]: [[
        "yield* commands.start(command, { cwd }).pipe(Scope.extend(scope))",
        "yield* commands.start(command, { cwd }).pipe(Scope.extend(yield* Scope.make()), Effect.tap(() => scope))"
      ]]
    },
    caughtBy: "is borrowed from a pool once, and given back without the processes of the model"
  },
  {
    defence: "options are checked before anything is created",
    changes: { [`${source}/internal/tools/handlers.ts`]: [["given >= least", "given >= 0"]] },
    caughtBy: "options are checked"
  }
]
