/**
 * Outgoing connections on behalf of a session. A name is resolved once, every resulting address is checked against the
 * policy, and only checked addresses are dialled, numerically: DNS rebinding cannot redirect a connection afterwards.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Dns from "node:dns"
import * as Net from "node:net"
import { type FifoSemaphore, makeFifoSemaphore } from "../fifoSemaphore.js"
import { type Address, formatAddress, parseAddress, type Range } from "./addresses.js"
import { makeQuery } from "./nameServers.js"
import { ownAddresses } from "./ownAddresses.js"
import { type AllowList, allowsPrivate, denialReason, type Target, targetOf } from "./policy.js"

/** Why a connection was not made; the message is shown to the program in the session. */
export class EgressError extends Data.TaggedError("EgressError")<{
  readonly reason: "forbidden" | "unknown" | "unreachable" | "closed" | "late"
  readonly message: string
}> {}

/** The network of this machine, replaceable in tests. */
export interface HostNetwork {
  /** Addresses of a name, or undefined where only the system may know it; takes no thread. Fails if nobody answers. */
  readonly query: (name: string, signal: AbortSignal) => Promise<ReadonlyArray<string> | undefined>
  /** All addresses that the system knows. May block one of few threads for as long as the resolver takes. */
  readonly resolve: (name: string) => Promise<ReadonlyArray<string>>
  readonly connect: (address: string, port: number) => Net.Socket
  readonly ownAddresses: () => ReadonlyArray<Range>
}

/** Shared by all sessions of a runtime. */
export interface Egress {
  readonly allowList: AllowList
  readonly network: HostNetwork
  /** Bounds concurrent lookups by the system. */
  readonly lookups: FifoSemaphore
}

export const hostNetwork: HostNetwork = {
  query: makeQuery({ hostsFile: "/etc/hosts" }),
  resolve: async (name) =>
    (await Dns.promises.lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address),
  connect: (host, port) => Net.connect({ host, port, allowHalfOpen: true, keepAlive: true, noDelay: true }),
  ownAddresses
}

/** Lookups and file operations share the four threads of Node's pool. */
const maxLookups = 2

export const makeEgress = (allowList: AllowList, network: HostNetwork = hostNetwork): Egress => ({
  allowList,
  network,
  lookups: makeFifoSemaphore(maxLookups)
})

const timeouts = { lookup: "10 seconds", connect: "10 seconds", all: "20 seconds" } as const

const timedOut = (what: string, after: Duration.DurationInput) =>
  new EgressError({ reason: "late", message: `${what} within ${Duration.format(Duration.decode(after))}` })

/** A lookup by the system cannot be cancelled: it holds its permits until it completes, even if its caller has given up. */
const resolve = (
  { lookups, network }: Egress,
  sessionLookups: FifoSemaphore,
  name: string
): Effect.Effect<ReadonlyArray<Address>, EgressError> => {
  const late = timedOut("the name of the host was not resolved", timeouts.lookup)
  const unknown = new EgressError({ reason: "unknown", message: "the name of the host is not known" })
  const bySystem = Effect.tryPromise({ try: () => network.resolve(name), catch: () => unknown }).pipe(
    Effect.uninterruptible,
    lookups
  )
  return Effect.tryPromise({ try: (signal) => network.query(name, signal), catch: () => late }).pipe(
    Effect.flatMap((found) => found === undefined ? bySystem : Effect.succeed(found)),
    sessionLookups,
    Effect.disconnect,
    Effect.timeoutFail({ duration: timeouts.lookup, onTimeout: () => late }),
    Effect.map((texts) => texts.map(parseAddress).filter((address) => address !== undefined))
  )
}

const maxAttempts = 8

/** The addresses that the policy permits; at least one. */
const permittedAddresses = (
  { allowList, network }: Egress,
  target: Target,
  addresses: ReadonlyArray<Address>
): Effect.Effect<ReadonlyArray<Address>, EgressError> => {
  const own = network.ownAddresses()
  const isAllowed = allowsPrivate(allowList, target)
  const checked = addresses.map((address) => ({ address, denial: denialReason(address, own, isAllowed) }))
  const permitted = checked.flatMap(({ address, denial }) => denial === undefined ? [address] : [])
  if (permitted.length > 0) return Effect.succeed(permitted.slice(0, maxAttempts))
  const reason = checked[0]?.denial
  return reason === undefined
    ? new EgressError({ reason: "unknown", message: "the name of the host has no address" })
    : forbidden(target._tag === "Name" ? `the name leads to ${reason}` : `it is ${reason}`)
}

const forbidden = (why: string) =>
  new EgressError({ reason: "forbidden", message: `a session may not connect there: ${why}` })

const connectFailure = ({ code }: NodeJS.ErrnoException) =>
  code === "ECONNREFUSED"
    ? new EgressError({ reason: "closed", message: "the host refused the connection" })
    : new EgressError({
      reason: "unreachable",
      message: `the host could not be reached (${code ?? "no reason given"})`
    })

const connect = (
  { network }: Egress,
  address: Address,
  port: number
): Effect.Effect<Net.Socket, EgressError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => network.connect(formatAddress(address), port).on("error", () => {})),
    (socket) => Effect.sync(() => socket.connecting ? socket.destroy() : socket.resetAndDestroy())
  ).pipe(
    Effect.tap((socket) =>
      Effect.async<void, EgressError>((resume) => {
        socket.once("connect", () => resume(Effect.void))
        socket.once("error", (error) => resume(connectFailure(error)))
      })
    ),
    Effect.timeoutFail({
      duration: timeouts.connect,
      onTimeout: () => timedOut("the host did not answer", timeouts.connect)
    })
  )

/**
 * A connection that is closed with the scope. `sessionLookups` bounds the lookups of one session, so that it cannot use up
 * those of all.
 */
export const dial = (
  egress: Egress,
  sessionLookups: FifoSemaphore,
  { host, port }: { readonly host: string; readonly port: number }
): Effect.Effect<Net.Socket, EgressError, Scope.Scope> =>
  Effect.gen(function*() {
    const target = targetOf(host)
    if (target._tag === "Refused") return yield* forbidden(`it is ${target.reason}`)
    const addresses = target._tag === "Address" ? [target.address] : yield* resolve(egress, sessionLookups, target.name)
    const [first, ...others] = yield* permittedAddresses(egress, target, addresses)
    return yield* others.reduce(
      (attempts, address) => Effect.catchAll(attempts, () => connect(egress, address, port)),
      connect(egress, first!, port)
    )
  }).pipe(
    Effect.timeoutFail({ duration: timeouts.all, onTimeout: () => timedOut("there was no connection", timeouts.all) })
  )
