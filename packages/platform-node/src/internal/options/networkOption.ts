/** The option `network` of a runtime: what it says, and whether the isolation in force can keep to it. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { parseRange } from "../egress/addresses.js"
import { makeOutbound, type Outbound } from "../egress/dial.js"
import { type Allowed, isPrivateRange, parseName } from "../egress/policy.js"
import { type Isolation, SandboxUnavailableError } from "../sandbox/confine/isolation.js"
import type { SandboxNetwork } from "../sandbox/confine/rootfs.js"

export type NetworkOption =
  | "none"
  | "outbound"
  | "host"
  | { readonly outbound: { readonly allowPrivate?: ReadonlyArray<string> | undefined } }

export interface ResolvedNetwork {
  readonly network: SandboxNetwork
  readonly outbound: Outbound | undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const wrong = (field: string, expected: string) => Either.left(new ConfigurationError({ field, expected }))

const field = "network.outbound.allowPrivate"

const entryOf = (entry: unknown, index: number): Either.Either<Allowed, ConfigurationError> => {
  const range = typeof entry === "string" ? parseRange(entry) : undefined
  if (range !== undefined && isPrivateRange(range)) return Either.right({ ranges: [range], names: new Set() })
  const name = typeof entry === "string" && range === undefined ? parseName(entry) : undefined
  if (name !== undefined) return Either.right({ ranges: [], names: new Set([name]) })
  const example = "a private address, a range of them such as 10.1.0.0/16 or fd00::/8, or the name of a host"
  return wrong(`${field}[${index}]`, `${example} (what is public needs no leave, and nothing gives leave for the rest)`)
}

const allowedOf = (entries: unknown): Either.Either<Allowed, ConfigurationError> =>
  Array.isArray(entries)
    ? Either.map(Either.all(entries.map(entryOf)), (all) => ({
      ranges: all.flatMap(({ ranges }) => ranges),
      names: new Set(all.flatMap(({ names }) => [...names]))
    }))
    : wrong(field, "a list of private addresses, ranges of them, and names of hosts")

/** What may be reached; undefined for another network than `outbound`. */
const allowedBy = (option: unknown): Either.Either<Allowed | undefined, ConfigurationError> => {
  if (option === "none" || option === "host") return Either.right(undefined)
  const outbound = option === "outbound" ? {} : isRecord(option) ? option["outbound"] : undefined
  if (!isRecord(outbound)) return wrong("network", "none, outbound, host, or { outbound: { allowPrivate: [...] } }")
  const other = Object.keys(outbound).find((name) => name !== "allowPrivate")
  if (other !== undefined) return wrong(`network.outbound.${other}`, "left out: there is only allowPrivate")
  return allowedOf(outbound["allowPrivate"] ?? [])
}

const unenforceable = (isolation: Isolation, reason: string, remedy: string) =>
  new SandboxUnavailableError({
    requested: isolation.level,
    reason: `network "outbound" ${reason}`,
    remedy: `${remedy}, or leave the network at "none"`
  })

/** Only an empty network of its own makes the proxy the one way out. */
const complaintAbout = (isolation: Isolation): SandboxUnavailableError | undefined => {
  const { confinement } = isolation
  if (confinement._tag === "Unconfined" || confinement._tag === "Landlock") {
    return unenforceable(
      isolation,
      `needs a network namespace for each session, and at this level there is none: ${
        confinement._tag === "Landlock" ? "sessions have no sockets at all" : "code could pass by the proxy"
      }`,
      "Use a machine where the level \"namespaces\" works, with bubblewrap installed"
    )
  }
  return confinement._tag === "Unshare" && confinement.ip === undefined
    ? unenforceable(
      isolation,
      "needs a loopback inside the session, which `unshare` makes with the `ip` command only",
      "Install iproute2 or bubblewrap"
    )
    : undefined
}

/** What sandboxes get. Fails where the option is malformed, or asks for what this isolation cannot keep to. */
export const resolveNetwork = (
  option: NetworkOption | undefined,
  isolation: Isolation
): Effect.Effect<ResolvedNetwork, ConfigurationError | SandboxUnavailableError> =>
  Effect.gen(function*() {
    const allowed = yield* allowedBy(option ?? "none")
    if (allowed === undefined) return { network: option === "host" ? "host" : "none", outbound: undefined }
    const complaint = complaintAbout(isolation)
    if (complaint !== undefined) return yield* complaint
    return { network: "none", outbound: makeOutbound(allowed) }
  })
