/** Which addresses sessions with an outbound network may reach: public ones, and private ones that were allowed. */
import { type Address, isPart, isWithin, parseAddress, type Range, range } from "./addresses.js"

/** What was allowed beyond public addresses. */
export interface Allowed {
  readonly ranges: ReadonlyArray<Range>
  /** Names that may lead to private addresses, in lower case. */
  readonly names: ReadonlySet<string>
}

/** What somebody inside asks for, once its spelling is understood. */
export type Target =
  | { readonly _tag: "Address"; readonly address: Address }
  | { readonly _tag: "Name"; readonly name: string }
  | { readonly _tag: "Refused"; readonly reason: string }

type Rule = readonly [ranges: ReadonlyArray<Range>, what: string]

const rule = (what: string, ...ranges: ReadonlyArray<string>): Rule => [ranges.map(range), what]

/** Nothing allows these. The addresses of metadata that stand here alone lie in ranges that are public or private. */
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

const privates: ReadonlyArray<Range> = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"],
  "fc00::/7"
].map(range)

/** All of IPv6 that is given out to the public. */
const globalUnicast = range("2000::/3")

/** The public prefix of translators between IPv6 and IPv4. */
const translated = range("64:ff9b::/96")

const isWithinAny = (address: Address, ranges: ReadonlyArray<Range>) => ranges.some((one) => isWithin(address, one))

export const isPrivateRange = (given: Range): boolean => privates.some((one) => isPart(given, one))

/**
 * What keeps a session from an address, in words; undefined where nothing does. `own` are the addresses of this machine,
 * `isAllowed` says which private ones may be reached.
 */
export const objectionTo = (
  address: Address,
  own: ReadonlyArray<Range>,
  isAllowed: (address: Address) => boolean
): string | undefined => {
  if (isWithin(address, translated)) return objectionTo(address.slice(12), own, isAllowed)
  const found = forbidden.find(([ranges]) => isWithinAny(address, ranges))
  if (found !== undefined) return found[1]
  if (isWithinAny(address, own)) return "an address of the machine that runs this session"
  if (isWithinAny(address, privates)) return isAllowed(address) ? undefined : "a private address"
  return address.length === 16 && !isWithin(address, globalUnicast) ? "a reserved address" : undefined
}

/** Which private addresses may be reached under this name, or by themselves. */
export const permission = ({ names, ranges }: Allowed, target: Target): (address: Address) => boolean =>
  target._tag === "Name" && names.has(target.name) ? () => true : (address) => isWithinAny(address, ranges)

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** What libraries of C take for a number of an IPv4 address, octal and hexadecimal ones included. */
const number = /^(?:\d+|0x[0-9a-f]*)$/

/** A name in lower case and without the last dot; undefined where it is none, or ends in a number as addresses do. */
export const parseName = (text: string): string | undefined => {
  const name = text.toLowerCase().replace(/\.$/, "")
  const labels = name.split(".")
  return name.length <= 253 && labels.every((one) => label.test(one)) && !number.test(labels.at(-1) ?? "")
    ? name
    : undefined
}

const odd = "an address in an odd spelling, or no name of a host"

export const targetOf = (host: string): Target => {
  const address = parseAddress(host)
  if (address !== undefined) return { _tag: "Address", address }
  const name = parseName(host)
  return name === undefined ? { _tag: "Refused", reason: odd } : { _tag: "Name", name }
}
