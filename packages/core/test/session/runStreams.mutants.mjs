/** What `runStreams.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src/internal"
const connection = `${core}/session/runConnection.ts`
const call = `${core}/session/runCall.ts`
const sockets = `${core}/session/runSockets.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what was received before a loss is read first",
    changes: {
      [call]: [["if (this.#queue.length > 0) {", "if (this.#queue.length > 0 && this.#failure === undefined) {"]]
    },
    caughtBy: "after 4 frames has an unknown outcome"
  },
  {
    defence: "reading pauses for a slow reader",
    changes: { [connection]: [["waiting >= pauseAt", "waiting >= 1e12"]] },
    caughtBy: "pauses the socket and the deadline"
  },
  {
    defence: "time stands still while reading is paused",
    changes: { [connection]: [["if (isPaused) call.stopTimer()", "if (isPaused) void 0"]] },
    caughtBy: "pauses the socket and the deadline"
  },
  {
    defence: "a run does not start on a socket that is paused",
    changes: { [connection]: [["return !this.#isRetired && !this.#isPaused", "return !this.#isRetired"]] },
    caughtBy: "does not hold up runs that start later"
  },
  {
    defence: "a socket that cannot be paused does not fill the memory",
    changes: { [connection]: [["call.waiting > maxWaiting", "call.waiting > 2 * maxWaiting"]] },
    caughtBy: "fails where the runtime cannot pause a socket"
  },
  {
    defence: "a run that is given up is cancelled",
    changes: {
      [connection]: [[
        "if (canCancel) this.#socket?.send(frames.cancel(call.id, target))",
        "if (canCancel) void target"
      ]]
    },
    caughtBy: "is cancelled where the server announces how"
  },
  {
    defence: "a run that cannot be cancelled ends with its socket",
    changes: { [connection]: [["    else this.#retire()\n", ""]] },
    caughtBy: "ends with the socket otherwise"
  },
  {
    defence: "a session that is lost closes its sockets",
    changes: { [sockets]: [["connection.close(error)", "void error"]] },
    caughtBy: "by a session that is deleted is lost"
  },
  {
    defence: "the token is not sent unencrypted",
    changes: {
      [`${core}/wire/addresses.ts`]: [[
        "url.protocol === `${scheme}:` && isLoopback(url.hostname)",
        "url.protocol === `${scheme}:`"
      ]]
    },
    caughtBy: "one that is not encrypted"
  },
  {
    defence: "output that is kept is bounded",
    changes: {
      [`${core}/session/runOutput.ts`]: [["while (this.#length > maxKept) this.#drop()", ""], [
        "return this.isWhole ? whole : `${truncated}${withoutHalf(whole.slice(-maxKept))}`",
        "return whole"
      ]]
    },
    caughtBy: "a result with the end of long output"
  }
]
