/**
 * The labels by which a session is known as one that this SDK created for the time of a program. Anybody who can create
 * sessions can set any label, so the stamp carries an HMAC whose key is derived from the API key. It covers the label of the
 * create attempt, which is unique: a copy of all labels is seen as the second session with that attempt, as long as both exist.
 */
import * as Redacted from "effect/Redacted"
import type { Labels } from "../../AgbApi.js"
import type { AgbClient } from "../../AgbClient.js"
import { attemptLabel, lifetimeLabel, stampLabel } from "../wire/ownLabels.js"
import { hex, hmacSha256 } from "../wire/text/sha256.js"

export type Lifetime = "program" | "detached"

/** Where no platform tells programs apart. */
const noProgram = "-"

const version = "1"

/** 128 bits. */
const macBytes = 16

const pattern = /^1\.(\d{1,15})\.([a-z0-9-]{1,64})\.([0-9a-f]{32})$/

/** What a stamp proves of a session. */
export interface Origin {
  readonly attempt: string
  /** Milliseconds since the epoch, by the clock of the program. */
  readonly createdAt: number
  readonly programId: string | undefined
}

/** What the sessions of a lifetime can be listed by. */
export const lifetimeLabels = (lifetime: Lifetime): Labels => ({ [lifetimeLabel]: lifetime })

/** In constant time. */
const areEqual = (one: string, other: string): boolean => {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

export class Stamps {
  readonly #encoder = new TextEncoder()
  readonly #client: AgbClient.Service
  #key: Uint8Array | undefined

  constructor(client: AgbClient.Service) {
    this.#client = client
  }

  /** The labels of a create attempt. */
  labels(lifetime: Lifetime, attempt: string, createdAt: number, programId: string | undefined): Labels {
    const labels = { [attemptLabel]: attempt, ...lifetimeLabels(lifetime) }
    if (lifetime === "detached") return labels
    const claim = [version, createdAt, programId ?? noProgram].join(".")
    return { ...labels, [stampLabel]: `${claim}.${this.#mac(attempt, claim)}` }
  }

  /** Where a session comes from, if its labels prove it. */
  originOf(labels: Labels): Origin | undefined {
    const attempt = labels[attemptLabel]
    const [, created = "", programId = "", mac = ""] = pattern.exec(labels[stampLabel] ?? "") ?? []
    if (attempt === undefined || labels[lifetimeLabel] !== "program" || mac === "") return undefined
    if (!areEqual(mac, this.#mac(attempt, [version, created, programId].join(".")))) return undefined
    return { attempt, createdAt: Number(created), programId: programId === noProgram ? undefined : programId }
  }

  /** A line break keeps the parts apart: no stamp has one. */
  #mac(attempt: string, claim: string): string {
    this.#key ??= hmacSha256(
      this.#encoder.encode(Redacted.value(this.#client.config.apiKey)),
      this.#encoder.encode("@effect-agb/core: stamps of sessions, version 1")
    )
    return hex(hmacSha256(this.#key, this.#encoder.encode(`${claim}\n${attempt}`)).subarray(0, macBytes))
  }
}
