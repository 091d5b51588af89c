/** IP addresses as bytes, and CIDR ranges. */
import * as Net from "node:net"

/** 4 bytes of IPv4 or 16 of IPv6. */
export type Address = ReadonlyArray<number>

/** A CIDR range: all addresses that share the first `bits` of `start`. */
export interface Range {
  readonly start: Address
  readonly bits: number
}

const parseIPv4 = (text: string): Address | undefined => {
  const parts = text.split(".")
  const isCanonical = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return isCanonical ? parts.map(Number) : undefined
}

const groups = (text: string): ReadonlyArray<number> =>
  text === "" ? [] : text.split(":").flatMap((group) => {
    if (group.includes(".")) return parseIPv4(group) ?? []
    const number = Number.parseInt(group, 16)
    return [number >> 8, number & 0xff]
  })

const parseIPv6 = (text: string): Address | undefined => {
  if (!Net.isIPv6(text) || text.includes("%")) return undefined
  const [left = "", right] = text.split("::")
  const [first, last] = [groups(left), groups(right ?? "")]
  return [...first, ...Array.from({ length: 16 - first.length - last.length }, () => 0), ...last]
}

/** Accepts IPv4 in canonical dotted form only, and IPv6 without a zone. An IPv4-mapped IPv6 address becomes the IPv4 one. */
export const parseAddress = (text: string): Address | undefined => {
  const found = parseIPv4(text) ?? parseIPv6(text)
  return found !== undefined && isWithin(found, mapped) ? found.slice(12) : found
}

/** An address, or a range in CIDR notation. */
export const parseRange = (text: string): Range | undefined => {
  const [, address = "", bits] = /^([^/]+?)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const start = parseAddress(address)
  if (start === undefined || start.length === 4 && address.includes(":")) return undefined
  const fixed = bits === undefined ? 8 * start.length : Number(bits)
  return fixed <= 8 * start.length ? { start, bits: fixed } : undefined
}

/** For literals in this package: throws where `text` is not a range. */
export const range = (text: string): Range => {
  const found = parseRange(text)
  if (found === undefined) throw new Error(`no range of addresses: ${text}`)
  return found
}

export const isWithin = (address: Address, { bits, start }: Range): boolean =>
  address.length === start.length && address.every((byte, index) => {
    const fixed = Math.min(Math.max(bits - 8 * index, 0), 8)
    const mask = 0xff << (8 - fixed) & 0xff
    return (byte & mask) === ((start[index] ?? 0) & mask)
  })

/** Whether `inner` lies entirely within `outer`. */
export const isSubrange = (inner: Range, outer: Range): boolean =>
  inner.bits >= outer.bits && isWithin(inner.start, outer)

/** The numeric form, which connects without name resolution. */
export const formatAddress = (address: Address): string =>
  address.length === 4
    ? address.join(".")
    : Array.from({ length: 8 }, (_, index) =>
      ((address[2 * index] ?? 0) << 8 | (address[2 * index + 1] ?? 0)).toString(16))
      .join(":")

const mapped: Range = { start: [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, 0, 0, 0, 0], bits: 96 }
