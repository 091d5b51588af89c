/** What `fileStalls.test.ts` watches over, each broken on purpose. */

const internal = "packages/platform-node/src/internal"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an agent has the whole time for what it was just given",
    changes: {
      [`${internal}/sandbox/channel/fileStreams.ts`]: [[
        "      stall.refresh()\n      running.send",
        "      running.send"
      ]]
    },
    caughtBy: "is waited for from when the agent has what it needs"
  },
  {
    defence: "a client has the whole time once there is room",
    changes: {
      [`${internal}/server/sessions/fileBytes.ts`]: [[
        "        stall.refresh()\n        request.resume()",
        "        request.resume()"
      ]]
    },
    caughtBy: "is waited for from when there is room for what the client sends"
  }
]
