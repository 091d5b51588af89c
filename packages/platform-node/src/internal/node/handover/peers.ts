/** Servers on the loopback interface, as those that may hand over files to this process. */
import type { Access, Peer, SharedFile, Ticket } from "@effect-agb/core/Transport"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { randomBytes } from "node:crypto"
import { makeChallenge, removeChallenge } from "./challenge.js"
import { decodeDescriptor, decodeKey, encodeTicket, type Occasion, type TicketText, unknownKey } from "./descriptor.js"
import { openShared } from "./sharedFile.js"

type Headers = Parameters<Ticket["open"]>[0]

interface Known {
  readonly key: string
  readonly secret: Buffer
}

const textOf = (headers: Headers, name: string): string => {
  const text = headers[name]
  return typeof text === "string" ? text : ""
}

/** Numbers rather than names: a name may lead to more than one server. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]):(\d{1,5})\/*$/

/** Address and port of an endpoint on this machine, as the server sees them. */
export const authorityOf = (endpoint: string): string | undefined => {
  const [, address, port] = loopback.exec(endpoint) ?? []
  return address === undefined ? undefined : `${address}:${port}`
}

const makePeer = (authority: string): Peer => {
  let known: Known | undefined

  /** `used` is the key that the ticket had; empty for none. */
  const learn = (occasion: Occasion, used: string, headers: Headers) => {
    const text = textOf(headers, "x-file-key")
    if (text === unknownKey && known?.key === used) known = undefined
    const key = used === "" ? decodeKey(occasion, text) : undefined
    if (key !== undefined) known ??= { key, secret: occasion.secret }
  }

  const ticketFor = (sessionId: string, { key, secret }: Known, from: TicketText["from"]): Ticket => {
    const occasion = { secret, authority, sessionId, nonce: randomBytes(16).toString("hex") }
    const open = (headers: Headers, access: Access) => {
      if (from._tag === "File") removeChallenge(from.path)
      learn(occasion, key, headers)
      const descriptor = decodeDescriptor(occasion, textOf(headers, "x-file-descriptor"))
      return descriptor && openShared(descriptor, access)
    }
    return {
      header: encodeTicket({ nonce: occasion.nonce, from }),
      open: (headers, access) =>
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => open(headers, access)),
            (shared) => Effect.sync(() => shared?.close())
          ),
          (shared): Option.Option<SharedFile> => Option.fromNullable(shared?.file)
        )
    }
  }

  return {
    ticket: (sessionId) =>
      Effect.suspend(() => {
        if (known !== undefined) {
          return Effect.succeedSome(ticketFor(sessionId, known, { _tag: "Key", key: known.key }))
        }
        const challenge = Effect.acquireRelease(
          Effect.option(Effect.try(makeChallenge)),
          (challenge) => Effect.sync(() => Option.map(challenge, ({ path }) => removeChallenge(path)))
        )
        return Effect.map(
          challenge,
          Option.map(({ path, secret }) => ticketFor(sessionId, { key: "", secret }, { _tag: "File", path }))
        )
      })
  }
}

/** The peers of one transport: what a server has proven once, it need not prove again. */
export const makePeers = (): (endpoint: string) => Peer | undefined => {
  const peers = new Map<string, Peer>()
  return (endpoint) => {
    const authority = process.platform === "linux" ? authorityOf(endpoint) : undefined
    if (authority === undefined) return undefined
    const peer = peers.get(authority) ?? makePeer(authority)
    peers.set(authority, peer)
    return peer
  }
}
