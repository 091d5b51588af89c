/** The address on which the server listens, and the names in a Host header or an Origin by which clients may reach it. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import * as Net from "node:net"

export interface HostOptions {
  readonly host?: string | undefined
  readonly allowedHosts?: ReadonlyArray<string> | undefined
}

export interface Hosts {
  /** What to listen on. */
  readonly address: string
  /** Whether a request to the server on `port` names it, in its Host header say. */
  readonly check: (port: number) => (name: string | undefined, request: IncomingMessage) => boolean
  /** The server on `port` for a client that calls it by this name, which was checked; without a name for any program here. */
  readonly origin: (port: number, name?: string) => string
  /** Says who can reach the sessions, unless only this machine can. */
  readonly warning: string | undefined
}

const loopback = ["127.0.0.1", "localhost", "[::1]"]

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::"

const isLoopback = (address: string): boolean => /^(127\.[\d.]+|::1|localhost)$/i.test(address)

/** How an address stands in a URL. */
const inUrl = (address: string): string => Net.isIPv6(address) ? `[${address}]` : address

const split = (name: string): readonly [host: string, port: string | undefined] => {
  const [, host = "", port] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d+))?$/i.exec(name.toLowerCase()) ?? []
  return [host, port]
}

/** The same host with another port. */
export const withPort = (name: string, port: number): string => `${split(name)[0]}:${port}`

/** The address of this machine that a client has connected to, as it would write it. */
const localAddress = ({ socket }: IncomingMessage): string =>
  inUrl((socket.localAddress ?? "").replace(/^::ffff:(?=\d+\.)/, ""))

const warningFor = (address: string, allowed: ReadonlyArray<string>): string | undefined => {
  const reasons = [
    ...(isLoopback(address) ? [] : [`the server listens on ${address}, without TLS`]),
    ...(allowed.length === 0 ? [] : [`it answers to ${allowed.join(", ")} as well`])
  ]
  if (reasons.length === 0) return undefined
  return `Sessions can be reached from other machines: ${
    reasons.join(", and ")
  }. Whoever has the key can run code here.`
}

const make = (address: string, allowed: ReadonlyArray<string>): Hosts => {
  const anyPort = new Set(allowed.map((name) => name.toLowerCase()))
  const own = [...loopback, inUrl(address).toLowerCase()]
  const isLocal = (name: string, port: number) => loopback.some((host) => name === `${host}:${port}`)

  return {
    address,
    check: (port) => {
      const withoutPort = port === 80 ? own : []
      const names = new Set([...own.map((host) => `${host}:${port}`), ...withoutPort])
      return (given = "", request) => {
        const name = given.toLowerCase()
        return names.has(name) || anyPort.has(split(name)[0]) ||
          isAny(address) && name === `${localAddress(request)}:${port}`
      }
    },
    origin: (port, name) => {
      if (name !== undefined && !isLocal(name.toLowerCase(), port)) return `http://${name}`
      return `http://${isAny(address) || isLoopback(address) ? loopback[0] : inUrl(address)}:${port}`
    },
    warning: warningFor(address, allowed)
  }
}

/** Loopback alone unless the options say otherwise. */
export const resolveHosts = (
  { allowedHosts = [], host = "127.0.0.1" }: HostOptions
): Effect.Effect<Hosts, ConfigurationError> => {
  const isName = (name: unknown) => typeof name === "string" && split(name)[0] === name.toLowerCase() && name !== ""
  if (typeof host !== "string" || Net.isIP(host) === 0 && !/^[\w.-]+$/.test(host)) {
    return Effect.fail(new ConfigurationError({ field: "host", expected: "an address or a host name of this machine" }))
  }
  if (!Array.isArray(allowedHosts) || !allowedHosts.every(isName)) {
    return Effect.fail(
      new ConfigurationError({ field: "allowedHosts", expected: "host names or addresses, without ports" })
    )
  }
  return Effect.succeed(make(host, allowedHosts))
}
