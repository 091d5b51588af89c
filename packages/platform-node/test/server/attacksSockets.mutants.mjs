/** What `attacksSockets.test.ts` watches over, each broken on purpose. */

const webSocket = `packages/platform-node/src/internal/server/routes/webSocketRoute.ts`

const webSockets = "packages/platform-node/src/internal/server/http/webSockets.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the size of a WebSocket message",
    changes: { [webSockets]: [["maxPayload: frameBytes", "maxPayload: 100 * frameBytes"]] },
    caughtBy: "that announces a message without end is cut"
  },
  {
    defence: "WebSockets whose client is gone",
    changes: { [webSockets]: [["if (activity === last) return socket.terminate()", ""]] },
    caughtBy: "that gives no sign of life is cut"
  },
  {
    defence: "runs of a client that is gone",
    changes: { [webSocket]: [["work.start(Scope.close(scope, Exit.void))", "work.start(Effect.void)"]] },
    caughtBy: "whose client is gone leaves no run behind"
  }
]
