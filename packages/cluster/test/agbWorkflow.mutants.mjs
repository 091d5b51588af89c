/** What `agbWorkflow.test.ts` watches over, each broken on purpose. */

const workflow = "packages/cluster/src/AgbWorkflow.ts"
const codeRuns = "packages/cluster/src/internal/codeRuns.ts"
const commands = "packages/cluster/src/internal/commands.ts"
const patience = "packages/cluster/src/internal/patience.ts"

const once = "takes effect once though the engine forgets that it ran"
const runsOnce = "runs once though the engine forgets that it ran"

/** @type {ReadonlyArray<import("../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "the end of a process is not that of the workflow",
    changes: { [workflow]: [["if (interrupted || Exit.isSuccess(exit)) return true", "return true"]] },
    caughtBy: "outlives the engine"
  },
  {
    defence: "the end of the workflow deletes its session",
    changes: { [workflow]: [["hasEnded(exit, instance) ? Effect.ignore", "Exit.isSuccess(exit) ? Effect.ignore"]] },
    caughtBy: "is deleted when the workflow fails, and when it is interrupted"
  },
  {
    defence: "a workflow that runs again after a defect keeps its session",
    changes: { [workflow]: [["(capturesDefects || !Cause.isDie(exit.cause))", "(capturesDefects || true)"]] },
    caughtBy: "stays where a defect lets the workflow run again"
  },
  {
    defence: "a session of an execution is found again",
    changes: {
      [workflow]: [["workflow/${instance.executionId}/${name}`", "workflow/${crypto.randomUUID()}/${name}`"]]
    },
    caughtBy: "outlives the engine"
  },
  {
    defence: "two steps that lose a session share the next one",
    changes: {
      [workflow]: [["sessionId === lostId ? Effect.asVoid(this.open) : Effect.void", "Effect.asVoid(this.open)"]]
    },
    caughtBy: "that is lost fails its steps, or is made again"
  },
  {
    defence: "a lost session is not made again unless that is asked for",
    changes: { [workflow]: [["this.#isRecreated && nth < mostSessions", "nth < mostSessions"]] },
    caughtBy: "that is lost fails its steps, or is made again"
  },
  {
    defence: "the key of a command is that of its activity",
    changes: { [commands]: [["{ ...start, key })", "{ ...start, key: crypto.randomUUID() })"]] },
    caughtBy: once
  },
  {
    defence: "output that is cut says so",
    changes: { [commands]: [["this.isWhole = false", ""]] },
    caughtBy: once
  },
  {
    defence: "a time limit is told as such",
    changes: { [commands]: [["return timedOut\n", "return exitCode < 0\n"]] },
    caughtBy: "goes on while its runner is away"
  },
  {
    defence: "a run that was claimed does not run again",
    changes: { [codeRuns]: [["Effect.as(true),", "Effect.as(true), Effect.orElseSucceed(() => true),"]] },
    caughtBy: runsOnce
  },
  {
    defence: "the outcome of a run that raised an error is recorded",
    changes: { [codeRuns]: [["case \"CodeExecutionError\":\n", ""]] },
    caughtBy: runsOnce
  },
  {
    defence: "a run of unknown outcome is waited for, and then told as such",
    changes: {
      [codeRuns]: [[
        "onTimeout: () => unknown(",
        "onTimeout: () => new AgbError.ToolError({ operation, tool: \"run_code\", detail: \"\" }) ?? unknown("
      ]]
    },
    caughtBy: "whose outcome nobody recorded does not run again"
  },
  {
    defence: "a run that did not begin is not claimed",
    changes: { [codeRuns]: [["error.mayHaveHappened ? Effect.void : ", "error !== undefined ? Effect.void : "]] },
    caughtBy: "that could not begin may be tried again"
  },
  {
    defence: "a step bears with what passes",
    changes: { [workflow]: [["() => patiently(execute))", "() => execute)"]] },
    caughtBy: "bears with what passes"
  },
  {
    defence: "a step does not repeat what may have happened",
    changes: { [patience]: [["AgbError.isAgbError(error) && error.retryable", "AgbError.isAgbError(error)"]] },
    caughtBy: "bears with what passes"
  },
  {
    defence: "a run that was claimed too long ago does not begin",
    changes: { [codeRuns]: [["now - since < Duration.toMillis(grace)", "now >= since"]] },
    caughtBy: "claimed too long ago"
  }
]
