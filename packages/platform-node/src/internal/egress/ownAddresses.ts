/**
 * The addresses of this machine. The kernel's own tables come first: what Node tells of interfaces leaves out those
 * without a carrier, such as the bridge of a container engine that runs no container.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import { parseRange, type Range } from "./addresses.js"

/** Throws where the table exists and cannot be read, rather than to leave an address out. */
const textOf = (path: string): string => Fs.existsSync(path) ? Fs.readFileSync(path, "utf8") : ""

/** A line with an address, and below it one line for each route to it. */
export const localRoutes = (table: string): ReadonlyArray<Range> => {
  let address = ""
  return table.split("\n").flatMap((line) => {
    address = /\|-- ([\d.]+)$/.exec(line)?.[1] ?? address
    const bits = /^\s+\/(\d+) host LOCAL$/.exec(line)?.[1]
    return bits === undefined ? [] : parseRange(`${address}/${bits}`) ?? []
  })
}

/** 32 digits without colons, and what does not matter here. */
export const localSixteen = (table: string): ReadonlyArray<Range> =>
  table.split("\n").flatMap((line) => {
    const digits = /^([0-9a-f]{32}) /.exec(line)?.[1]?.match(/.{4}/g)
    return parseRange(digits?.join(":") ?? "") ?? []
  })

export const ownAddresses = (): ReadonlyArray<Range> => [
  ...localRoutes(textOf("/proc/self/net/fib_trie")),
  ...localSixteen(textOf("/proc/self/net/if_inet6")),
  ...Object.values(Os.networkInterfaces()).flatMap((all) =>
    (all ?? []).flatMap(({ address }) => parseRange(address) ?? [])
  )
]
