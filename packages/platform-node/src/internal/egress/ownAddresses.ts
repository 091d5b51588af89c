/**
 * The addresses of this machine, read from the kernel's tables as well as from Node, which omits interfaces without a
 * carrier, such as the bridge of a container engine that runs no container.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import { parseRange, type Range } from "./addresses.js"

/** Fails closed: throws where the table exists but cannot be read, since a missing address would be reachable. */
const textOf = (path: string): string => Fs.existsSync(path) ? Fs.readFileSync(path, "utf8") : ""

/** `/proc/net/fib_trie`: a line with an address, followed by a line for each of its routes. */
export const parseFibTrie = (table: string): ReadonlyArray<Range> => {
  let address = ""
  return table.split("\n").flatMap((line) => {
    address = /\|-- ([\d.]+)$/.exec(line)?.[1] ?? address
    const bits = /^\s+\/(\d+) host LOCAL$/.exec(line)?.[1]
    return bits === undefined ? [] : parseRange(`${address}/${bits}`) ?? []
  })
}

/** `/proc/net/if_inet6`: lines that begin with an address of 32 hexadecimal digits without colons. */
export const parseIfInet6 = (table: string): ReadonlyArray<Range> =>
  table.split("\n").flatMap((line) => {
    const digits = /^([0-9a-f]{32}) /.exec(line)?.[1]?.match(/.{4}/g)
    return parseRange(digits?.join(":") ?? "") ?? []
  })

export const ownAddresses = (): ReadonlyArray<Range> => [
  ...parseFibTrie(textOf("/proc/self/net/fib_trie")),
  ...parseIfInet6(textOf("/proc/self/net/if_inet6")),
  ...Object.values(Os.networkInterfaces()).flatMap((all) =>
    (all ?? []).flatMap(({ address }) => parseRange(address) ?? [])
  )
]
