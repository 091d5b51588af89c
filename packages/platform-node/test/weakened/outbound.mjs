/** Defences of the way out of a session: where it leads, and what an agent may do with it. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const policy = `packages/platform-node/src/internal/egress/policy.ts`
const dial = `packages/platform-node/src/internal/egress/dial.ts`
const option = `packages/platform-node/src/internal/options/networkOption.ts`
const carrier = `${sandbox}/channel/egressProxy.ts`
const tunnel = `${sandbox}/channel/tunnel.ts`

const tests = "packages/platform-node/test"
const rules = `${tests}/egress/egressPolicy.test.ts`
const attacks = `${tests}/egress/egressAttacks.test.ts`
const carried = `${tests}/egress/egress.test.ts`
const dialled = `${tests}/egress/egressDial.test.ts`
const network = `${tests}/egress/egressNetwork.test.ts`

const nowhere = "leads to nothing of this machine"

/** @type {ReadonlyArray<import("./weakening.js").Weakening>} */
export default [
  {
    defence: "outbound: loopback is refused",
    changes: { [policy]: [["\"127.0.0.0/8\", \"::1/128\"", "\"::1/128\""]] },
    caughtBy: [rules, "are never 127.0.0.1, whatever is allowed"]
  },
  {
    defence: "outbound: link-local addresses and metadata are refused",
    changes: { [policy]: [["\"169.254.0.0/16\", ", ""]] },
    caughtBy: [rules, "of IPv4 are those that no registry keeps for itself"]
  },
  {
    defence: "outbound: private addresses are refused",
    changes: { [policy]: [["return isAllowed(address) ? undefined : \"a private address\"", "return undefined"]] },
    caughtBy: [attacks, nowhere]
  },
  {
    defence: "outbound: the addresses of this machine are refused",
    changes: { [policy]: [["if (isWithinAny(address, own)) return", "if (isWithinAny(address, []) && own) return"]] },
    caughtBy: [rules, "are never this machine's own"]
  },
  {
    defence: "outbound: interfaces without a carrier count",
    changes: { [`packages/platform-node/src/internal/egress/ownAddresses.ts`]: [["host LOCAL$/", "link LOCAL$/"]] },
    caughtBy: [rules, "name the addresses of interfaces without a carrier"]
  },
  {
    defence: "outbound: of IPv6 only what is given out to the public",
    changes: { [policy]: [["address.length === 16 && !isWithin(address, globalUnicast)", "address.length < 4"]] },
    caughtBy: [rules, "of IPv6 are the public ones"]
  },
  {
    defence: "outbound: translated addresses are judged by what they wrap",
    changes: {
      [policy]: [[
        "if (isWithin(address, nat64)) return denialReason",
        "if (isWithin(address, nat64)) return own.length < 0 ? \"\" : undefined && denialReason"
      ]]
    },
    caughtBy: [rules, "wrapped in IPv6: translated$"]
  },
  {
    defence: "outbound: old tunnels are refused",
    changes: { [policy]: [["\"2001::/32\", \"2002::/16\", ", ""]] },
    caughtBy: [rules, "of IPv6 are the public ones"]
  },
  {
    defence: "outbound: addresses in odd spellings are no names",
    changes: { [policy]: [[" && !number.test(labels.at(-1) ?? \"\")", ""]] },
    caughtBy: [rules, "is not an address of IPv4 in any other"]
  },
  {
    defence: "outbound: what was judged is dialled",
    changes: {
      [dial]: [[
        "const addresses = target._tag === \"Address\" ? [target.address] : yield* resolve(egress, sessionLookups, target.name)",
        "if (target._tag === \"Name\") yield* resolve(egress, sessionLookups, target.name)\n    const addresses = target._tag === \"Address\" ? [target.address] : yield* resolve(egress, sessionLookups, target.name)"
      ]]
    },
    caughtBy: [attacks, "dials what it has judged"]
  },
  {
    defence: "outbound: every address of a name is judged",
    changes: {
      [dial]: [[
        "denial === undefined ? [address] : []",
        "denial === undefined || target._tag === \"Name\" ? [address] : []"
      ]]
    },
    caughtBy: [attacks, nowhere]
  },
  {
    defence: "outbound: a slow name keeps its turn",
    changes: { [dial]: [["    Effect.uninterruptible,\n", ""]] },
    caughtBy: [dialled, "asks for one name of a session at a time"]
  },
  {
    defence: "outbound: one name of a session at a time",
    changes: { [dial]: [["    sessionLookups,\n    Effect.disconnect", "    Effect.disconnect"]] },
    caughtBy: [dialled, "asks for one name of a session at a time"]
  },
  {
    defence: "outbound: only with a network namespace",
    changes: {
      [option]: [[
        "if (error !== undefined) return yield* error",
        "if (error === null) return yield* error"
      ]]
    },
    caughtBy: [network, "outbound is refused with none"],
    fails: "Error"
  },
  {
    defence: "outbound: only what is private can be allowed",
    changes: {
      [option]: [[
        "range !== undefined && isPrivateRange(range)",
        "range !== undefined && isPrivateRange !== undefined"
      ]]
    },
    caughtBy: [network, "refuses .*127.0.0.1"],
    fails: "Error"
  },
  {
    defence: "outbound: connections of a session",
    changes: { [carrier]: [["if (active > maxConnections)", "if (active > 100 * maxConnections)"]] },
    caughtBy: [attacks, "asks for more connections than it may have"]
  },
  {
    defence: "outbound: what an agent asks is decoded",
    changes: {
      [`${sandbox}/channel/protocol.ts`]: [["host: Schema.String.pipe(Schema.maxLength(255))", "host: Schema.String"]]
    },
    caughtBy: [attacks, "asks for a host that is too long"]
  },
  {
    defence: "tunnels: an agent sends no more than it was asked for",
    changes: { [tunnel]: [["this.#received > 2 * windowBytes", "this.#received > 2 ** 40"]] },
    caughtBy: [attacks, "sends too much loses that connection"]
  },
  {
    defence: "tunnels: an agent takes no more than it was given",
    changes: { [tunnel]: [["if (bytes > this.#sent)", "if (bytes > 2 ** 52)"]] },
    caughtBy: [attacks, "has taken what it was not given"]
  },
  {
    defence: "outbound: a program that does not read is waited for",
    changes: {
      ["packages/platform-node/agent/network/relay.ts"]: [[
        "if (!error && inputs.has(id)) output.send(id, { event: \"taken\", bytes })",
        "void error"
      ], [
        "const bytes = chunk.length\n",
        "const bytes = chunk.length\n          output.send(id, { event: \"taken\", bytes })\n"
      ]]
    },
    caughtBy: [carried, "waits for a program that does not read"]
  },
  {
    defence: "outbound: the end of a session ends its connections",
    changes: {
      [dial]: [["socket.connecting ? socket.destroy() : socket.resetAndDestroy()", "void socket.connecting"]],
      [carrier]: [["      socket.resetAndDestroy()\n", ""]]
    },
    caughtBy: [carried, "ends with the session, and with it every connection"]
  }
]
