/** The address that the server listens on, and the names that a Host or Origin header may give it. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import * as Net from "node:net"

export interface HostOptions {
  readonly host?: string | undefined
  readonly allowedHosts?: ReadonlyArray<string> | undefined
}

export interface Hosts {
  /** Address to listen on. */
  readonly address: string
  /** Whether `name`, for example from a Host header, is a name of the server on `port`. */
  readonly check: (port: number) => (name: string | undefined, request: IncomingMessage) => boolean
  /** The origin of the server on `port` for a client that uses this checked name; without one, for a client on this machine. */
  readonly origin: (port: number, name?: string) => string
  /** Who can reach the sessions; undefined where only this machine can. */
  readonly warning: string | undefined
}

const loopback = ["127.0.0.1", "localhost", "[::1]"]

const isAny = (address: string): boolean => address === "0.0.0.0" || address === "::"

const isLoopback = (address: string): boolean => /^(127\.[\d.]+|::1|localhost)$/i.test(address)

/** An address as it is written in a URL. */
const inUrl = (address: string): string => Net.isIPv6(address) ? `[${address}]` : address

const split = (name: string): readonly [host: string, port: string | undefined] => {
  const [, host = "", port] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d+))?$/i.exec(name.toLowerCase()) ?? []
  return [host, port]
}

/** The same host with another port. */
export const withPort = (name: string, port: number): string => `${split(name)[0]}:${port}`

/** The local address of a client's connection, as it is written in a URL. */
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

/** Only loopback, unless the options say otherwise. */
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
