/** What `egressAttacks.test.ts` watches over, each broken on purpose. */

const policy = `packages/platform-node/src/internal/egress/policy.ts`
const nowhere = "leads to nothing of this machine"
const dial = `packages/platform-node/src/internal/egress/dial.ts`
const sandbox = "packages/platform-node/src/internal/sandbox"
const carrier = `${sandbox}/channel/egressProxy.ts`
const tunnel = `${sandbox}/channel/tunnel.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "outbound: private addresses are refused",
    changes: { [policy]: [["return isAllowed(address) ? undefined : \"a private address\"", "return undefined"]] },
    caughtBy: nowhere
  },
  {
    defence: "outbound: what was judged is dialled",
    changes: {
      [dial]: [[
        "const addresses = target._tag === \"Address\" ? [target.address] : yield* resolve(egress, sessionLookups, target.name)",
        "if (target._tag === \"Name\") yield* resolve(egress, sessionLookups, target.name)\n    const addresses = target._tag === \"Address\" ? [target.address] : yield* resolve(egress, sessionLookups, target.name)"
      ]]
    },
    caughtBy: "dials what it has judged"
  },
  {
    defence: "outbound: every address of a name is judged",
    changes: {
      [dial]: [[
        "denial === undefined ? [address] : []",
        "denial === undefined || target._tag === \"Name\" ? [address] : []"
      ]]
    },
    caughtBy: nowhere
  },
  {
    defence: "outbound: connections of a session",
    changes: { [carrier]: [["if (active > maxConnections)", "if (active > 100 * maxConnections)"]] },
    caughtBy: "asks for more connections than it may have"
  },
  {
    defence: "outbound: what an agent asks is decoded",
    changes: {
      [`${sandbox}/channel/protocol.ts`]: [["host: Schema.String.pipe(Schema.maxLength(255))", "host: Schema.String"]]
    },
    caughtBy: "asks for a host that is too long"
  },
  {
    defence: "tunnels: an agent sends no more than it was asked for",
    changes: { [tunnel]: [["this.#received > 2 * windowBytes", "this.#received > 2 ** 40"]] },
    caughtBy: "sends too much loses that connection"
  },
  {
    defence: "tunnels: an agent takes no more than it was given",
    changes: { [tunnel]: [["if (bytes > this.#sent)", "if (bytes > 2 ** 52)"]] },
    caughtBy: "has taken what it was not given"
  }
]
