/** What `testFaults.test.ts` watches over, each broken on purpose. */

const interception = "packages/core/src/internal/testing/interception.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "an interceptor is asked for",
    changes: {
      "packages/core/src/AgbClient.ts": [["onSome: (change) => change(own)", "onSome: () => own"]]
    },
    caughtBy: "a quota is told"
  },
  {
    defence: "the work is done before a reply is lost",
    changes: { [interception]: [["const reply = yield* exchange(request)", "const reply = yield* broken"]] },
    caughtBy: "a reply that is not longer comes whole"
  },
  {
    defence: "the bytes of messages are counted",
    changes: { [interception]: [["left -= byteLength(text)", "left -= 0"]] },
    caughtBy: "cut a stream of a run after what was received"
  },
  {
    defence: "a body breaks where it is cut",
    changes: { [interception]: [["Stream.concat(Stream.succeed(part), Stream.fail(error))", "Stream.succeed(part)"]] },
    caughtBy: "break a file on its way, and what was there stays"
  },
  {
    defence: "requests of a point are counted",
    changes: {
      "packages/core/src/internal/testing/faults.ts": [["asked.set(point, nth + 1)", "asked.set(point, nth)"]]
    },
    caughtBy: "the second call alone"
  },
  {
    defence: "no number of bytes is cut at once",
    changes: { "packages/core/src/internal/testing/faults.ts": [["bytes: bytes > 0 ? bytes : 0", "bytes"]] },
    caughtBy: "cut at once where a number of bytes is none"
  },
  {
    defence: "a file that could not be opened at first is opened again",
    changes: {
      "packages/core/src/internal/session/files/directFiles.ts": [[
        "return this.#retrier.run({ attempt, deadline: now + millis, onCancel })",
        "return now > 0 ? attempt : this.#retrier.run({ attempt, deadline: now + millis, onCancel })"
      ]]
    },
    caughtBy: "do not end a read whose file could not be opened at first, but for one that is not there"
  }
]
