/** What `egressPolicy.test.ts` watches over, each broken on purpose. */

const policy = `packages/platform-node/src/internal/egress/policy.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "outbound: loopback is refused",
    changes: { [policy]: [["\"127.0.0.0/8\", \"::1/128\"", "\"::1/128\""]] },
    caughtBy: "are never 127.0.0.1, whatever is allowed"
  },
  {
    defence: "outbound: link-local addresses and metadata are refused",
    changes: { [policy]: [["\"169.254.0.0/16\", ", ""]] },
    caughtBy: "of IPv4 are those that no registry keeps for itself"
  },
  {
    defence: "outbound: the addresses of this machine are refused",
    changes: { [policy]: [["if (isWithinAny(address, own)) return", "if (isWithinAny(address, []) && own) return"]] },
    caughtBy: "are never this machine's own"
  },
  {
    defence: "outbound: interfaces without a carrier count",
    changes: { [`packages/platform-node/src/internal/egress/ownAddresses.ts`]: [["host LOCAL$/", "link LOCAL$/"]] },
    caughtBy: "name the addresses of interfaces without a carrier"
  },
  {
    defence: "outbound: of IPv6 only what is given out to the public",
    changes: { [policy]: [["address.length === 16 && !isWithin(address, globalUnicast)", "address.length < 4"]] },
    caughtBy: "of IPv6 are the public ones"
  },
  {
    defence: "outbound: translated addresses are judged by what they wrap",
    changes: {
      [policy]: [[
        "if (isWithin(address, nat64)) return denialReason",
        "if (isWithin(address, nat64)) return own.length < 0 ? \"\" : undefined && denialReason"
      ]]
    },
    caughtBy: "wrapped in IPv6: translated$"
  },
  {
    defence: "outbound: old tunnels are refused",
    changes: { [policy]: [["\"2001::/32\", \"2002::/16\", ", ""]] },
    caughtBy: "of IPv6 are the public ones"
  },
  {
    defence: "outbound: addresses in odd spellings are no names",
    changes: { [policy]: [[" && !number.test(labels.at(-1) ?? \"\")", ""]] },
    caughtBy: "is not an address of IPv4 in any other"
  }
]
