/** What `server.test.ts` watches over, each broken on purpose. */

const body = `packages/platform-node/src/internal/server/http/requestBody.ts`
const agentWire = "packages/platform-node/src/internal/agentWire"
const connections = `packages/platform-node/src/internal/server/http/connections.ts`
const http = `packages/platform-node/src/internal/server/http/httpServer.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "forms are refused",
    changes: { [body]: [["if (formType.test(", "if (formType.source === \"\" && formType.test("]] },
    caughtBy: "refuses bodies that it does not read"
  },
  {
    defence: "the depth of JSON",
    changes: {
      [`${agentWire}/jsonLimits.ts`]: [["if (depth > limits.depth)", "if (depth > 1e6 * limits.depth)"]]
    },
    caughtBy: "the depth of JSON"
  },
  {
    defence: "clients that take nothing are cut",
    changes: { [connections]: [["server.timeout = limits.stall", "server.timeout = 600_000"]] },
    caughtBy: "cuts a client that takes nothing of its reply"
  },
  {
    defence: "the end lets calls in flight finish",
    changes: { [http]: [["backgroundWork.make(limits.drain)", "backgroundWork.make(0)"]] },
    caughtBy: "lets calls in flight finish",
    fails: "SyntaxError"
  },
  {
    defence: "the end interrupts what takes longer",
    changes: {
      [`packages/platform-node/src/internal/server/http/work.ts`]: [[
        "for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)",
        ""
      ]]
    },
    caughtBy: "interrupts what takes longer",
    fails: "fetch failed"
  }
]
