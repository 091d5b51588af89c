/** What `runSockets.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src/internal"
const connection = `${core}/session/runConnection.ts`
const sockets = `${core}/session/runSockets.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "runs that start at the same time share a socket",
    changes: { [sockets]: [["return opening === undefined", "return opening === undefined || opening.waiting > 0"]] },
    caughtBy: "is one for a hundred first runs"
  },
  {
    defence: "an opening for which nobody waits is given up",
    changes: { [sockets]: [["return Fiber.interruptFork(opening.fiber)", "return Effect.void"]] },
    caughtBy: "is given up when nobody waits for it any more"
  },
  {
    defence: "an idle socket is closed",
    changes: {
      [connection]: [[
        "this.#stopLinger ??= timers.start(this.#options.clock, lingerMillis, close, false)",
        "void close"
      ]]
    },
    caughtBy: "is closed when it was not used for a while"
  },
  {
    defence: "a silent connection is given up",
    changes: { [connection]: [["if (this.#receivedAtPing === socket.received()) {", "if (false) {"]] },
    caughtBy: "is given up within two heartbeats of silence"
  },
  {
    defence: "a rejected token is no rejected key",
    changes: {
      [`${core}/session/sessionRoutes.ts`]: [["error._tag === \"AuthenticationError\"", "error.message === \"\""]]
    },
    caughtBy: "rejected with 401"
  }
]
