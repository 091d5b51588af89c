/** What `egress.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const dial = `packages/platform-node/src/internal/egress/dial.ts`
const carrier = `${sandbox}/channel/egressProxy.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "outbound: a program that does not read is waited for",
    changes: {
      ["packages/platform-node/agent/network/relay.ts"]: [[
        "else if (inputs.has(id)) output.send(id, { event: \"consumed\", bytes })",
        ""
      ], [
        "const bytes = chunk.length\n",
        "const bytes = chunk.length\n          output.send(id, { event: \"consumed\", bytes })\n"
      ]]
    },
    caughtBy: "waits for a program that does not read"
  },
  {
    defence: "outbound: the end of a session ends its connections",
    changes: {
      [dial]: [["socket.connecting ? socket.destroy() : socket.resetAndDestroy()", "void socket.connecting"]],
      [carrier]: [["      socket.resetAndDestroy()\n", ""]]
    },
    caughtBy: "ends with the session, and with it every connection"
  }
]
