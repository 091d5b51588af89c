/** Addresses of the internet protocols as bytes, and ranges of them. */
import * as Net from "node:net"

/** 4 bytes of IPv4 or 16 of IPv6. */
export type Address = ReadonlyArray<number>

/** All addresses of one length whose first `bits` are those of `start`. */
export interface Range {
  readonly start: Address
  readonly bits: number
}

const parseFour = (text: string): Address | undefined => {
  const parts = text.split(".")
  const isCanonical = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return isCanonical ? parts.map(Number) : undefined
}

const groups = (text: string): ReadonlyArray<number> =>
  text === "" ? [] : text.split(":").flatMap((group) => {
    if (group.includes(".")) return parseFour(group) ?? []
    const number = Number.parseInt(group, 16)
    return [number >> 8, number & 0xff]
  })

const parseSixteen = (text: string): Address | undefined => {
  if (!Net.isIPv6(text) || text.includes("%")) return undefined
  const [left = "", right] = text.split("::")
  const [first, last] = [groups(left), groups(right ?? "")]
  return [...first, ...Array.from({ length: 16 - first.length - last.length }, () => 0), ...last]
}

/** Only the one usual spelling of IPv4, and no zones. What IPv6 merely wraps around IPv4 is the IPv4 address. */
export const parseAddress = (text: string): Address | undefined => {
  const found = parseFour(text) ?? parseSixteen(text)
  return found !== undefined && isWithin(found, mapped) ? found.slice(12) : found
}

/** An address, or the start of a range, `/` and the number of its fixed bits. */
export const parseRange = (text: string): Range | undefined => {
  const [, address = "", bits] = /^([^/]+?)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const start = parseAddress(address)
  if (start === undefined || start.length === 4 && address.includes(":")) return undefined
  const fixed = bits === undefined ? 8 * start.length : Number(bits)
  return fixed <= 8 * start.length ? { start, bits: fixed } : undefined
}

/** For ranges that are written down in the program. */
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

/** Whether all of a range lies in another. */
export const isPart = (inner: Range, outer: Range): boolean => inner.bits >= outer.bits && isWithin(inner.start, outer)

/** As it is dialled: nothing in it is left to be resolved. */
export const formatAddress = (address: Address): string =>
  address.length === 4
    ? address.join(".")
    : Array.from({ length: 8 }, (_, index) =>
      ((address[2 * index] ?? 0) << 8 | (address[2 * index + 1] ?? 0)).toString(16))
      .join(":")

const mapped: Range = { start: [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, 0, 0, 0, 0], bits: 96 }
