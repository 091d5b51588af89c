/** What `attacksLimits.test.ts` watches over, each broken on purpose. */

const connections = `packages/platform-node/src/internal/server/http/connections.ts`
const http = `packages/platform-node/src/internal/server/http/httpServer.ts`
const body = `packages/platform-node/src/internal/server/http/requestBody.ts`
const registry = `packages/platform-node/src/internal/server/sessions/registry.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "requests in flight on a connection",
    changes: { [connections]: [[">= limits.requestsPerConnection", ">= limits.connections"]] },
    caughtBy: "that waits for as many replies as it may"
  },
  {
    defence: "slow headers are cut",
    changes: { [http]: [["headersTimeout: headers,", "headersTimeout: 290_000,"]] },
    caughtBy: "that is slow or only half open is cut"
  },
  {
    defence: "slow bodies are cut",
    changes: {
      [body]: [["setTimeout(() => finish(Effect.fail(tooSlow(limits.body))), limits.body)", "setTimeout(() => {}, 0)"]]
    },
    caughtBy: "that is slow or only half open is cut"
  },
  {
    defence: "idle connections are cut",
    changes: {
      [http]: [["keepAliveTimeout: idle,", "keepAliveTimeout: 600_000,"]],
      [connections]: [["server.timeout = limits.stall", "server.timeout = 600_000"]]
    },
    caughtBy: "that is slow or only half open is cut"
  },
  {
    defence: "the number of connections",
    changes: { [connections]: [["server.maxConnections = limits.connections", "server.maxConnections = 100_000"]] },
    caughtBy: "beyond the number of connections is cut at once"
  },
  {
    defence: "the number of strangers",
    changes: {
      [connections]: [[
        "since.size > limits.unauthenticatedConnections",
        "since.size > 1e6 * limits.unauthenticatedConnections"
      ]]
    },
    caughtBy: "that shows no key makes room for the next"
  },
  {
    defence: "the number of sessions",
    changes: {
      [registry]: [[
        "this.#sessions.size + this.#starting >= maxSessions",
        "this.#sessions.size + this.#starting >= 10 * maxSessions"
      ]]
    },
    caughtBy: "beyond the number that may be are refused"
  },
  {
    defence: "sessions that still start count",
    changes: {
      [registry]: [["this.#sessions.size + this.#starting >= maxSessions", "this.#sessions.size >= maxSessions"]]
    },
    caughtBy: "beyond the number that may be are refused"
  },
  {
    defence: "idle sessions are released",
    changes: { [registry]: [["now - usedAt >= idleMillis", "now - usedAt >= 1000 * idleMillis"]] },
    caughtBy: "that nobody uses are released"
  },
  {
    defence: "sessions at work are not idle",
    changes: { [registry]: [["active === 0 && now", "active >= 0 && now"]] },
    caughtBy: "that nobody uses are released, and those at work are not"
  }
]
