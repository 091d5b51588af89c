/** Which addresses sessions may reach, held against what Node itself knows of ranges, and against every odd spelling. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Net from "node:net"
import { formatAddress, isSubrange, parseAddress, parseRange, range } from "../../src/internal/egress/addresses.js"
import { ownAddresses, parseFibTrie, parseIfInet6 } from "../../src/internal/egress/ownAddresses.js"
import { denialReason, isPrivateRange, parseName, targetOf } from "../../src/internal/egress/policy.js"

/** Written down a second time, for another implementation of ranges. */
const special = {
  ipv4: [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["168.63.129.16", 32],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 3]
  ],
  ipv6: [["2001::", 23], ["2001:db8::", 32], ["2002::", 16], ["3fff::", 20]]
} as const

const blocked = new Net.BlockList()
for (const [start, bits] of special.ipv4) blocked.addSubnet(start, bits, "ipv4")
const blockedSix = new Net.BlockList()
for (const [start, bits] of special.ipv6) blockedSix.addSubnet(start, bits, "ipv6")
const public6 = new Net.BlockList()
public6.addSubnet("2000::", 3, "ipv6")

const bytes = (length: number) => fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length })

/** Any address, and often one of a special range or at its edge. */
const four = fc.oneof(
  bytes(4),
  fc.tuple(fc.constantFrom(...special.ipv4), bytes(4), fc.integer({ min: -1, max: 1 })).map(([[start], random, by]) => {
    const base = start.split(".").map(Number)
    return [((base[0] ?? 0) + by + 256) % 256, base[1]!, random[2]!, random[3]!]
  }),
  fc.tuple(fc.constantFrom(...special.ipv4), bytes(4)).map(([[start, bits], random]) =>
    start.split(".").map((part, index) => 8 * index < bits ? Number(part) : random[index]!)
  )
)

const hex = (address: ReadonlyArray<number>) => formatAddress(address)

const none = () => false
const objection = (text: string, isAllowed: () => boolean = none, own: ReadonlyArray<string> = []) => {
  const address = parseAddress(text)
  return address === undefined ? assert.fail(`${text} is no address`) : denialReason(address, own.map(range), isAllowed)
}

const pair = ([a = 0, b = 0]: ReadonlyArray<number>) => (a << 8 | b).toString(16)

/** Everything that means an IPv4 address and is none. */
const wrappings: Readonly<Record<string, (address: ReadonlyArray<number>) => string>> = {
  mapped: (it) => `::ffff:${it.join(".")}`,
  "mapped, in hexadecimal": (it) => `0:0:0:0:0:FFFF:${pair(it)}:${pair(it.slice(2))}`,
  compatible: (it) => `::${it.join(".")}`,
  translated: (it) => `64:ff9b::${it.join(".")}`,
  "translated in private": (it) => `64:ff9b:1::${it.join(".")}`,
  "old translation": (it) => `::ffff:0:${it.join(".")}`,
  "6to4": (it) => `2002:${pair(it)}:${pair(it.slice(2))}::1`,
  Teredo: (it) => `2001:0:${pair(it)}:${pair(it.slice(2))}:0:0:0:1`,
  "the client of Teredo": (it) =>
    `2001:0:808:808:0:0:${pair(it.map((byte) => byte ^ 255))}:${pair(it.slice(2).map((byte) => byte ^ 255))}`
}

describe("addresses that a session may reach", () => {
  it.prop("of IPv4 are those that no registry keeps for itself", [four], ([address]) => {
    const text = address.join(".")
    assert.strictEqual(objection(text) === undefined, !blocked.check(text), text)
  }, { fastCheck: { numRuns: 2000 } })

  it.prop("of IPv6 are the public ones", [fc.oneof(
    bytes(16),
    bytes(16).map((it) => [0x20 | it[0]! & 0x1f, ...it.slice(1)]),
    fc.tuple(fc.constantFrom(...special.ipv6), bytes(16)).map(([[start, bits], random]) => {
      const base = parseAddress(start)!
      return random.map((byte, index) => 8 * (index + 1) <= bits ? base[index]! : byte)
    })
  )], ([address]) => {
    const text = hex(address)
    assert.strictEqual(
      objection(text) === undefined,
      public6.check(text, "ipv6") && !blockedSix.check(text, "ipv6"),
      text
    )
  }, { fastCheck: { numRuns: 2000 } })

  it.each(Object.entries(wrappings))("are not those of IPv4 that are kept, wrapped in IPv6: %s", (_, wrap) => {
    fc.assert(
      fc.property(four, (address) => {
        const isKept = blocked.check(address.join("."))
        if (isKept) assert.isDefined(objection(wrap(address)), wrap(address))
      }),
      { numRuns: 500 }
    )
  })

  it("are public ones behind a translator too", () => {
    assert.isUndefined(objection("64:ff9b::8.8.8.8"))
    assert.isUndefined(objection("::ffff:8.8.8.8"))
  })

  it.prop("may be private where that is allowed, and nothing else", [four], ([address]) => {
    const before = objection(address.join("."))
    const after = objection(address.join("."), () => true)
    assert.strictEqual(before !== undefined && after === undefined, before === "a private address")
  })

  it.prop("are never this machine's own", [fc.oneof(bytes(4), bytes(16))], ([address]) => {
    assert.isDefined(objection(hex(address), () => true, [hex(address)]))
  })

  it.each([
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "::1",
    "::",
    "169.254.169.254",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16"
  ])(
    "are never %s, whatever is allowed",
    (text) => assert.isDefined(objection(text, () => true))
  )

  it("are all but those that this machine has at this moment", () => {
    const own = ownAddresses()
    assert.isTrue(own.some((one) => isSubrange(range("127.0.0.1"), one)))
    assert.isTrue(own.every((one) => denialReason(one.start, own, () => true) !== undefined))
  })
})

describe("the tables of the kernel", () => {
  it("name the addresses of interfaces without a carrier, and whole ranges", () => {
    const table = [
      "Local:",
      "  +-- 0.0.0.0/0 3 0 5",
      "     +-- 172.17.0.0/16 2 0 2",
      "        |-- 172.17.0.0",
      "           /16 link UNICAST",
      "        |-- 172.17.0.1",
      "           /32 host LOCAL",
      "        |-- 172.17.255.255",
      "           /32 link BROADCAST",
      "     |-- 127.0.0.0",
      "        /8 host LOCAL"
    ]
    assert.deepStrictEqual(parseFibTrie(table.join("\n")), [range("172.17.0.1/32"), range("127.0.0.0/8")])
  })

  it("name addresses of IPv6", () => {
    const table = "fd000000000000000000000000000002 04 40 00 82     eth0\n"
    assert.deepStrictEqual(parseIfInet6(table), [range("fd00::2")])
  })
})

const radix = { octal: 8, decimal: 10, hexadecimal: 16 } as const

const spelled = (number: number, base: 8 | 10 | 16) => `${{ 8: "0", 10: "", 16: "0x" }[base]}${number.toString(base)}`

describe("a host", () => {
  it.prop("is an address in its usual spelling", [fc.oneof(bytes(4), bytes(16))], ([address]) => {
    const target = targetOf(hex(address))
    assert.strictEqual(target._tag, "Address")
    const [parsed] = target._tag === "Address" ? [target.address] : []
    assert.deepStrictEqual(parsed, parseAddress(hex(address)))
    assert.strictEqual(Net.isIP(formatAddress(parsed!)) !== 0, true)
  })

  it.prop("is not an address of IPv4 in any other", [
    bytes(4),
    fc.array(fc.constantFrom(...Object.values(radix)), { minLength: 4, maxLength: 4 }),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom("", ".")
  ], ([address, bases, parts, dot]) => {
    const numbers = [
      ...address.slice(0, parts - 1),
      address.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0)
    ]
    const text = numbers.map((number, index) => spelled(number, bases[index]!)).join(".") + dot
    const target = targetOf(text)
    if (text === address.join(".")) assert.strictEqual(target._tag, "Address")
    else assert.strictEqual(target._tag, "Refused", text)
  }, { fastCheck: { numRuns: 1000 } })

  it.each([
    "",
    ".",
    "a..b",
    "-a.b",
    "a b",
    "a\0b",
    "a\nb",
    "a/b",
    "a@b",
    "a:b",
    "[::1]",
    "fe80::1%eth0",
    "1.2.3",
    "127.1",
    "0x7f.1",
    "foo.1",
    "foo.0x7f",
    "256.1.1.1",
    "1.2.3.04",
    "１.２.３.４",
    "ex\u00e4mple.com",
    `${"a".repeat(64)}.com`,
    `${"abcdefgh.".repeat(28)}abcd`
  ])("is not %j", (text) => assert.strictEqual(targetOf(text)._tag, "Refused"))

  it.each([["Example.COM.", "example.com"], ["_dmarc.a-b.example", "_dmarc.a-b.example"], [
    "xn--bcher-kva",
    "xn--bcher-kva"
  ]])(
    "is the name %s",
    (text, name) => assert.deepStrictEqual(targetOf(text), { _tag: "Name", name })
  )
})

describe("what can be allowed", () => {
  it.each([
    "10.0.0.0/8",
    "10.1.2.3",
    "172.16.0.0/12",
    "192.168.1.0/24",
    "100.64.0.0/10",
    "198.18.0.0/15",
    "fc00::/7",
    "fd12::1"
  ])(
    "%s is private",
    (text) => assert.isTrue(isPrivateRange(range(text)))
  )

  it.each([
    "127.0.0.1",
    "127.0.0.0/8",
    "0.0.0.0/0",
    "10.0.0.0/7",
    "169.254.169.254",
    "8.8.8.8",
    "::1",
    "::/0",
    "fe80::/10",
    "fc00::/6"
  ])(
    "%s is not",
    (text) => assert.isFalse(isPrivateRange(range(text)))
  )

  it.each([
    "",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0/8",
    "fd00::/129",
    "::ffff:10.0.0.0/104",
    "10.0.0.0/8/8",
    "a/8"
  ])(
    "%j is no range",
    (text) => assert.isUndefined(parseRange(text))
  )

  it("is a name where it is no number", () => {
    assert.strictEqual(parseName("Registry.internal"), "registry.internal")
    assert.isUndefined(parseName("10.0.0"))
  })
})
