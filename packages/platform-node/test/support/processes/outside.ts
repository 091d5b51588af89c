/** An internet of a few servers on loopback, and what a program in a sandbox says to its proxy to come there. */
import { Effect } from "effect"
import { once } from "node:events"
import * as Net from "node:net"
import { type Egress, type HostNetwork, hostNetwork, makeEgress } from "../../../src/internal/egress/dial.js"
import type { Sandbox } from "../../../src/internal/sandbox/sandbox.js"

/** A public address, behind which all servers are found by their ports. */
export const somewhere = "93.184.216.34"

export interface Outside {
  readonly egress: Egress
  /** Addresses and ports, in the order in which they were dialled. */
  readonly dialled: ReadonlyArray<string>
  readonly asked: ReadonlyArray<string>
}

type Names = Readonly<Record<string, ReadonlyArray<string> | (() => ReadonlyArray<string>)>>

/** The rules are the real ones; only names, and what is found at an address that may be dialled, are made up. */
export const outside = (names: Names = {}, allowed: Partial<Egress["allowList"]> = {}): Outside => {
  const [dialled, asked]: [Array<string>, Array<string>] = [[], []]
  const machine: HostNetwork = {
    ...hostNetwork,
    query: () => Promise.resolve(undefined),
    resolve: (name) => {
      asked.push(name)
      const found = names[name] ?? []
      return Promise.resolve(typeof found === "function" ? found() : found)
    },
    connect: (address, port) => {
      dialled.push(`${address} ${port}`)
      return hostNetwork.connect("127.0.0.1", port)
    }
  }
  return { egress: makeEgress({ ranges: [], names: new Set(), ...allowed }, machine), dialled, asked }
}

export const serve = (onSocket: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<Net.Socket>()
      let visits = 0
      const server = Net.createServer({ allowHalfOpen: true }, (socket) => {
        visits += 1
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => sockets.delete(socket))
        onSocket(socket)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, port: (server.address() as Net.AddressInfo).port, sockets, visits: () => visits }
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )

/** Sends bytes to the proxy, then perhaps no more, and shows what comes back until the end; last how it ended. */
const client = `
const [, text, ends] = process.argv
const socket = require("node:net").connect({ port: 3128, host: "127.0.0.1", allowHalfOpen: ends === "end" })
socket.write(Buffer.from(text, "base64"))
if (ends === "end") socket.end()
socket.on("data", (chunk) => process.stdout.write(chunk))
socket.on("error", (error) => process.stdout.write("[" + error.code + "]"))
`

export const shell = (sandbox: Sandbox, command: string, timeoutMs = 30_000) =>
  Effect.map(sandbox.call({ op: "shell", command, timeoutMs }), ({ body }) => Buffer.from(body))

/** A command that shows what the proxy of its sandbox answers to these bytes. */
export const talkCommand = (bytes: string | Uint8Array, ends: "end" | "stay" = "stay") =>
  `node -e '${client}' ${Buffer.from(bytes).toString("base64")} ${ends}`

export const talk = (sandbox: Sandbox, bytes: string | Uint8Array, ends: "end" | "stay" = "stay") =>
  Effect.map(shell(sandbox, talkCommand(bytes, ends)), (answer) => answer.toString("latin1"))

const bracketed = (host: string) => host.includes(":") ? `[${host}]` : host

export const get = (host: string, port: number, path = "/") =>
  `GET http://${bracketed(host)}:${port}${path} HTTP/1.1\r\nHost: ${
    bracketed(host)
  }\r\nProxy-Authorization: x\r\nConnection: keep-alive\r\n\r\n`

export const connect = (host: string, port: number, then = "") =>
  `CONNECT ${bracketed(host)}:${port} HTTP/1.1\r\nHost: ${bracketed(host)}:${port}\r\n\r\n${then}`

const placeOf = (host: string): ReadonlyArray<number> =>
  Net.isIPv4(host) ? [1, ...host.split(".").map(Number)] : [3, host.length, ...Buffer.from(host)]

/** The greeting, the request and what follows at once, since nothing forbids that. */
export const socks = (host: string, port: number, then = "", command = 1) =>
  Buffer.concat([Buffer.from([5, 1, 0, 5, command, 0, ...placeOf(host), port >> 8, port & 255]), Buffer.from(then)])

export const socksAnswer = (code: number) => `\x05\x00\x05${String.fromCharCode(code)}\x00\x01\x00\x00\x00\x00\x00\x00`
