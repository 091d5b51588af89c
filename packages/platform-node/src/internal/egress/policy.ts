/** Egress policy: sessions may reach public addresses, and the private ones on the allow list. */
import { type Address, isSubrange, isWithin, parseAddress, type Range, range } from "./addresses.js"

/** What may be reached besides public addresses. */
export interface AllowList {
  readonly ranges: ReadonlyArray<Range>
  /** Host names, in lower case, that may resolve to private addresses. */
  readonly names: ReadonlySet<string>
}

/** The destination of a connection, parsed. */
export type Target =
  | { readonly _tag: "Address"; readonly address: Address }
  | { readonly _tag: "Name"; readonly name: string }
  | { readonly _tag: "Refused"; readonly reason: string }

type Rule = readonly [ranges: ReadonlyArray<Range>, what: string]

const rule = (what: string, ...ranges: ReadonlyArray<string>): Rule => [ranges.map(range), what]

/** Never reachable, whatever the allow list says. Single metadata addresses are listed where their range is not blocked. */
const forbidden: ReadonlyArray<Rule> = [
  rule("an unspecified address, which is this machine", "0.0.0.0/8", "::/128"),
  rule("a loopback address", "127.0.0.0/8", "::1/128"),
  rule("a link-local address, where clouds keep metadata and keys", "169.254.0.0/16", "fe80::/10"),
  rule("where a cloud keeps metadata and keys", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
  rule("a multicast address", "224.0.0.0/4", "ff00::/8"),
  rule("a broadcast address", "255.255.255.255"),
  rule("an address that wraps another", "::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "192.88.99.0/24"),
  rule("a reserved address", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
  rule("a reserved address", "2001::/23", "2001:db8::/32", "3fff::/20", "fec0::/10")
]

const privateRanges: ReadonlyArray<Range> = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"],
  "fc00::/7"
].map(range)

/** The IPv6 global unicast range. */
const globalUnicast = range("2000::/3")

/** The well-known NAT64 prefix (RFC 6052). */
const nat64 = range("64:ff9b::/96")

const isWithinAny = (address: Address, ranges: ReadonlyArray<Range>) => ranges.some((one) => isWithin(address, one))

export const isPrivateRange = (given: Range): boolean => privateRanges.some((one) => isSubrange(given, one))

/**
 * Why a session may not connect to an address, or undefined where it may. `own` are the addresses of this machine,
 * `isAllowed` decides on private ones.
 */
export const denialReason = (
  address: Address,
  own: ReadonlyArray<Range>,
  isAllowed: (address: Address) => boolean
): string | undefined => {
  if (isWithin(address, nat64)) return denialReason(address.slice(12), own, isAllowed)
  const found = forbidden.find(([ranges]) => isWithinAny(address, ranges))
  if (found !== undefined) return found[1]
  if (isWithinAny(address, own)) return "an address of the machine that runs this session"
  if (isWithinAny(address, privateRanges)) return isAllowed(address) ? undefined : "a private address"
  return address.length === 16 && !isWithin(address, globalUnicast) ? "a reserved address" : undefined
}

/** Decides which private addresses `target` may lead to. */
export const allowsPrivate = ({ names, ranges }: AllowList, target: Target): (address: Address) => boolean =>
  target._tag === "Name" && names.has(target.name) ? () => true : (address) => isWithinAny(address, ranges)

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** What C libraries accept as a part of an IPv4 address, octal and hexadecimal included. */
const number = /^(?:\d+|0x[0-9a-f]*)$/

/** A host name in lower case without its trailing dot; undefined where it is invalid or its last label is numeric. */
export const parseName = (text: string): string | undefined => {
  const name = text.toLowerCase().replace(/\.$/, "")
  const labels = name.split(".")
  return name.length <= 253 && labels.every((one) => label.test(one)) && !number.test(labels.at(-1) ?? "")
    ? name
    : undefined
}

const malformed = "an address in an odd spelling, or no name of a host"

export const targetOf = (host: string): Target => {
  const address = parseAddress(host)
  if (address !== undefined) return { _tag: "Address", address }
  const name = parseName(host)
  return name === undefined ? { _tag: "Refused", reason: malformed } : { _tag: "Name", name }
}
