/** The option `network` of a runtime: parsed, and checked against the isolation in force. */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { parseRange } from "../egress/addresses.js"
import { type Egress, makeEgress } from "../egress/dial.js"
import { type AllowList, isPrivateRange, parseName } from "../egress/policy.js"
import { type Isolation, SandboxUnavailableError } from "../sandbox/confine/isolation.js"
import type { SandboxNetwork } from "../sandbox/confine/rootfs.js"

export type NetworkOption =
  | "none"
  | "outbound"
  | "host"
  | { readonly outbound: { readonly allowPrivate?: ReadonlyArray<string> | undefined } }

/** `egress` is set for `outbound` alone: then `network` is `none`, and the proxy is the only way out. */
export interface ResolvedNetwork {
  readonly network: SandboxNetwork
  readonly egress: Egress | undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const invalid = (field: string, expected: string) => Either.left(new ConfigurationError({ field, expected }))

const field = "network.outbound.allowPrivate"

const parseEntry = (entry: unknown, index: number): Either.Either<AllowList, ConfigurationError> => {
  const range = typeof entry === "string" ? parseRange(entry) : undefined
  if (range !== undefined && isPrivateRange(range)) return Either.right({ ranges: [range], names: new Set() })
  const name = typeof entry === "string" && range === undefined ? parseName(entry) : undefined
  if (name !== undefined) return Either.right({ ranges: [], names: new Set([name]) })
  const example = "a private address, a CIDR range of them such as 10.1.0.0/16 or fd00::/8, or a host name"
  return invalid(`${field}[${index}]`, `${example} (public addresses are allowed anyway, others cannot be)`)
}

const parseAllowList = (entries: unknown): Either.Either<AllowList, ConfigurationError> =>
  Array.isArray(entries)
    ? Either.map(Either.all(entries.map(parseEntry)), (all) => ({
      ranges: all.flatMap(({ ranges }) => ranges),
      names: new Set(all.flatMap(({ names }) => [...names]))
    }))
    : invalid(field, "a list of private addresses, CIDR ranges and host names")

/** The allow list of `outbound`; undefined for the other networks. */
const allowListOf = (option: unknown): Either.Either<AllowList | undefined, ConfigurationError> => {
  if (option === "none" || option === "host") return Either.right(undefined)
  const outbound = option === "outbound" ? {} : isRecord(option) ? option["outbound"] : undefined
  if (!isRecord(outbound)) return invalid("network", "none, outbound, host, or { outbound: { allowPrivate: [...] } }")
  const beside = isRecord(option) ? Object.keys(option).find((name) => name !== "outbound") : undefined
  if (beside !== undefined) return invalid(`network.${beside}`, "left out: there is only outbound")
  const unknown = Object.keys(outbound).find((name) => name !== "allowPrivate")
  if (unknown !== undefined) return invalid(`network.outbound.${unknown}`, "left out: there is only allowPrivate")
  return parseAllowList(outbound["allowPrivate"] ?? [])
}

const unenforceable = (isolation: Isolation, reason: string, remedy: string) =>
  new SandboxUnavailableError({
    requested: isolation.level,
    reason: `network "outbound" ${reason}`,
    remedy: `${remedy}, or leave the network at "none"`
  })

/** The proxy is the only way out only where each session has an empty network namespace. */
const enforcementError = (isolation: Isolation): SandboxUnavailableError | undefined => {
  const { confinement } = isolation
  if (confinement._tag === "Unconfined" || confinement._tag === "Landlock") {
    return unenforceable(
      isolation,
      `needs a network namespace for each session, and at this level there is none: ${
        confinement._tag === "Landlock" ? "sessions have no sockets at all" : "code could bypass the proxy"
      }`,
      "Use a machine where the level \"namespaces\" works, with bubblewrap installed"
    )
  }
  return confinement._tag === "Unshare" && confinement.ip === undefined
    ? unenforceable(
      isolation,
      "needs a loopback interface inside the session, which `unshare` can bring up only with the `ip` command",
      "Install iproute2 or bubblewrap"
    )
    : undefined
}

/** Fails where the option is malformed or this isolation cannot enforce it. */
export const resolveNetwork = (
  option: NetworkOption | undefined,
  isolation: Isolation
): Effect.Effect<ResolvedNetwork, ConfigurationError | SandboxUnavailableError> =>
  Effect.gen(function*() {
    const allowList = yield* allowListOf(option ?? "none")
    if (allowList === undefined) return { network: option === "host" ? "host" : "none", egress: undefined }
    const error = enforcementError(isolation)
    if (error !== undefined) return yield* error
    return { network: "none", egress: makeEgress(allowList) }
  })
