/**
 * Connecting on behalf of a session. A name is resolved once, each address that this gives is judged, and only what was
 * judged is dialled, as a number: no second answer to the same question can lead elsewhere.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Dns from "node:dns"
import * as Net from "node:net"
import { makeTurns, type Turns } from "../fifoSemaphore.js"
import { type Address, formatAddress, parseAddress, type Range } from "./addresses.js"
import { ownAddresses } from "./ownAddresses.js"
import { type Allowed, objectionTo, permission, type Target, targetOf } from "./policy.js"

/** Why somebody inside got no connection; the words are for it. */
export class Denial extends Data.TaggedError("Denial")<{
  readonly reason: "forbidden" | "unknown" | "unreachable" | "closed" | "late"
  readonly message: string
}> {}

/** What is used of this machine. */
export interface Machine {
  /** All addresses of a name. It may take a thread of which there are few, as long as it likes. */
  readonly resolve: (name: string) => Promise<ReadonlyArray<string>>
  readonly connect: (address: string, port: number) => Net.Socket
  readonly own: () => ReadonlyArray<Range>
}

/** What the sessions of a runtime share: what they may reach, and how they take turns. */
export interface Outbound {
  readonly allowed: Allowed
  readonly machine: Machine
  readonly lookups: Turns
}

export const thisMachine: Machine = {
  resolve: async (name) =>
    (await Dns.promises.lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address),
  connect: (host, port) => Net.connect({ host, port, allowHalfOpen: true, keepAlive: true, noDelay: true }),
  own: ownAddresses
}

/** Files and names wait for the same four threads of Node. */
const mostLookups = 2

export const makeOutbound = (allowed: Allowed, machine: Machine = thisMachine): Outbound => ({
  allowed,
  machine,
  lookups: makeTurns(mostLookups)
})

const patience = { lookup: "10 seconds", connect: "10 seconds", all: "20 seconds" } as const

const late = (what: string, after: Duration.DurationInput) =>
  new Denial({ reason: "late", message: `${what} within ${Duration.format(Duration.decode(after))}` })

/** Keeps its turn until the answer is there, also when nobody waits for that any more. */
const resolve = (
  { lookups, machine }: Outbound,
  ownTurn: Turns,
  name: string
): Effect.Effect<ReadonlyArray<Address>, Denial> =>
  Effect.tryPromise(() => machine.resolve(name)).pipe(
    Effect.uninterruptible,
    lookups,
    ownTurn,
    Effect.disconnect,
    Effect.mapError(() => new Denial({ reason: "unknown", message: "the name of the host is not known" })),
    Effect.timeoutFail({
      duration: patience.lookup,
      onTimeout: () => late("the name of the host was not resolved", patience.lookup)
    }),
    Effect.map((texts) => texts.map(parseAddress).filter((address) => address !== undefined))
  )

const mostAttempts = 8

/** The addresses that may be dialled, at least one. */
const permitted = (
  { allowed, machine }: Outbound,
  target: Target,
  addresses: ReadonlyArray<Address>
): Effect.Effect<ReadonlyArray<Address>, Denial> => {
  const own = machine.own()
  const isAllowed = permission(allowed, target)
  const judged = addresses.map((address) => ({ address, objection: objectionTo(address, own, isAllowed) }))
  const good = judged.flatMap(({ address, objection }) => objection === undefined ? [address] : [])
  if (good.length > 0) return Effect.succeed(good.slice(0, mostAttempts))
  const what = judged[0]?.objection
  return what === undefined
    ? new Denial({ reason: "unknown", message: "the name of the host has no address" })
    : forbidden(target._tag === "Name" ? `the name leads to ${what}` : `it is ${what}`)
}

const forbidden = (why: string) =>
  new Denial({ reason: "forbidden", message: `a session may not connect there: ${why}` })

const failed = ({ code }: NodeJS.ErrnoException) =>
  code === "ECONNREFUSED"
    ? new Denial({ reason: "closed", message: "the host refused the connection" })
    : new Denial({ reason: "unreachable", message: `the host could not be reached (${code ?? "no reason given"})` })

const connect = (
  { machine }: Outbound,
  address: Address,
  port: number
): Effect.Effect<Net.Socket, Denial, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => machine.connect(formatAddress(address), port).on("error", () => {})),
    (socket) => Effect.sync(() => socket.connecting ? socket.destroy() : socket.resetAndDestroy())
  ).pipe(
    Effect.tap((socket) =>
      Effect.async<void, Denial>((resume) => {
        socket.once("connect", () => resume(Effect.void))
        socket.once("error", (error) => resume(failed(error)))
      })
    ),
    Effect.timeoutFail({
      duration: patience.connect,
      onTimeout: () => late("the host did not answer", patience.connect)
    })
  )

/** A connection that ends with the scope. `ownTurn` is the session's, so that many names of one hold up no other. */
export const dial = (
  outbound: Outbound,
  ownTurn: Turns,
  { host, port }: { readonly host: string; readonly port: number }
): Effect.Effect<Net.Socket, Denial, Scope.Scope> =>
  Effect.gen(function*() {
    const target = targetOf(host)
    if (target._tag === "Refused") return yield* forbidden(`it is ${target.reason}`)
    const addresses = target._tag === "Address" ? [target.address] : yield* resolve(outbound, ownTurn, target.name)
    const [first, ...others] = yield* permitted(outbound, target, addresses)
    return yield* others.reduce(
      (sofar, address) => Effect.catchAll(sofar, () => connect(outbound, address, port)),
      connect(outbound, first!, port)
    )
  }).pipe(
    Effect.timeoutFail({ duration: patience.all, onTimeout: () => late("there was no connection", patience.all) })
  )
