/** What `memory.test.ts` watches over, each broken on purpose. */

const memory = "packages/core/src/internal/testing/memory"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a call without an answer dies",
    changes: {
      [`${memory}/machine.ts`]: [["(error) => Effect.die(error)", "() => Effect.succeed(Stream.empty as never)"]]
    },
    caughtBy: "is died of, by its name and with what is known"
  },
  {
    defence: "names of objects are no scripted texts",
    changes: { [`${memory}/script.ts`]: [["Object.hasOwn(script, text) ? script[text] : undefined", "script[text]"]] },
    caughtBy: "is died of, by its name and with what is known"
  },
  {
    defence: "the end of the layer dies of what a program has hidden",
    changes: { [`${memory}/backend.ts`]: [["Effect.die(errors[0])", "Effect.void"]] },
    caughtBy: "ends the test also where the program has hidden it"
  },
  {
    defence: "what was taken is forgotten",
    changes: { [`${memory}/backend.ts`]: [["this.#unscripted.splice(0)", "this.#unscripted.slice(0)"]] },
    caughtBy: "ends the test also where the program has hidden it"
  },
  {
    defence: "calls are counted by their text",
    changes: { [`${memory}/script.ts`]: [["this.#asked.set(text, nth + 1)", "this.#asked.set(text, 0)"]] },
    caughtBy: "answer what is scripted"
  },
  {
    defence: "outputs end with the time of the call",
    changes: {
      [`${memory}/script.ts`]: [[
        "Effect.timeoutOption(timeout),\n      Effect.map((ended) => ({ found, isLate: Option.isNone(ended) }))",
        "Effect.map(() => ({ found, isLate: Option.isNone(Option.some(timeout)) }))"
      ]]
    },
    caughtBy: "take their time by the clock of the test, up to their limit"
  },
  {
    defence: "a streamed run ends with its time",
    changes: { [`${memory}/runSocket.ts`]: [["Effect.timeoutOption(timeout)", "Effect.asSome"]] },
    caughtBy: "stream as they go"
  },
  {
    defence: "what a streamed run raises is kept for its end",
    changes: { [`${memory}/runSocket.ts`]: [["raised ??= raisedBy([output])", "raisedBy([output])"]] },
    caughtBy: "stream as they go"
  },
  {
    defence: "a key names one process",
    changes: { [`${memory}/processTable.ts`]: [["if (found !== undefined) return", "if (found === null) return"]] },
    caughtBy: "are followed, fed, waited for and ended"
  },
  {
    defence: "a signal is recorded as the end",
    changes: {
      [`${memory}/processTable.ts`]: [[
        "this.#record(process, 128 + (signalNumbers[signal] ?? 0), signal)",
        "this.#record(process, 0, \"-\")"
      ]]
    },
    caughtBy: "are followed, fed, waited for and ended"
  },
  {
    defence: "sessions that nobody uses expire",
    changes: { [`${memory}/sessions.ts`]: [["now - session.usedAt >= session.idleMillis", "now < 0"]] },
    caughtBy: "expire when nobody uses them, and when the test says so"
  },
  {
    defence: "use begins the idle time anew",
    changes: {
      [`${memory}/sessions.ts`]: [["session.usedAt = now\n", "session.usedAt = Math.min(now, session.usedAt)\n"]]
    },
    caughtBy: "expire when nobody uses them, and when the test says so"
  },
  {
    defence: "the labels of the SDK are left out",
    changes: { [`${memory}/sessions.ts`]: [["labels: withoutOwn(labels),\n      status", "labels,\n      status"]] },
    caughtBy: "are told with their end and their files"
  },
  {
    defence: "the bytes of a test are copied",
    changes: { [`${memory}/fileTools.ts`]: [["concat([tree.file(path), content])", "content"]] },
    caughtBy: "are told with their end and their files"
  },
  {
    defence: "a directory is removed with what is in it",
    changes: {
      [`${memory}/fileTree.ts`]: [["for (const name of this.below(path).keys()) this.#nodes.delete(name)\n", ""]]
    },
    caughtBy: "are told with their end and their files"
  },
  {
    defence: "contexts are saved when their session is deleted",
    changes: { [`${memory}/handlers.ts`]: [["contexts.release(session, now)", "now"]] },
    caughtBy: "keep their contexts, and meet faults"
  },
  {
    defence: "files of options have absolute paths",
    changes: { [`${memory}/options.ts`]: [["!isPath(path) || ", ""]] },
    caughtBy: "and options that make no sense are refused by name"
  }
]
