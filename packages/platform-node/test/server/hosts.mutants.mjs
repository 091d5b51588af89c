/** What `hosts.test.ts` watches over, each broken on purpose. */

const hosts = `packages/platform-node/src/internal/server/http/hosts.ts`
const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the Host header where clients may use other names",
    changes: { [hosts]: [["anyPort.has(split(name)[0])", "anyPort.size > 0"]] },
    caughtBy: "checks the Host header all the same"
  },
  {
    defence: "the warning that sessions can be reached from other machines",
    changes: { [hosts]: [["if (reasons.length === 0) return undefined", "if (reasons.length < 3) return undefined"]] },
    caughtBy: "says so, listens on all addresses"
  },
  {
    defence: "the Host header of links where clients may use other names",
    changes: { [gateway]: [["return !isOwn(host, request) ||", "return host === undefined ||"]] },
    caughtBy: "opens links under the name that the client uses"
  }
]
