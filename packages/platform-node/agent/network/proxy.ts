/**
 * A client of the session's proxy, until it is known where it wants to go. One port speaks both HTTP and SOCKS5: the first
 * byte tells which.
 */
import type { Socket } from "node:net"
import { httpRequest } from "./proxyHttp.js"
import { socksGreeting } from "./proxySocks.js"

/** Where a client wants to go, what it is told when it is there, what the server gets first, and how it is refused. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly greeting: Buffer
  readonly ahead: Buffer
  readonly refused: (reason: Reason, message: string) => Buffer
}

export type Reason = "forbidden" | "unknown" | "unreachable" | "closed" | "late"

/**
 * Looks at what a client has said so far: more is needed, or there is an answer and then another step, or it is known
 * where to go, or all that is left is to say something and go.
 */
export type Step = (
  seen: Buffer
) => undefined | { readonly say: Buffer; readonly rest: Buffer; readonly next: Step } | { readonly target: Target } | {
  readonly end: Buffer
}

const longestWait = 60_000
const farewellMs = 2000
const socks = 5

const first: Step = (seen) => seen[0] === socks ? socksGreeting(seen) : httpRequest(seen)

/** Calls back once when it is known where the client wants to go; until then nothing more is read from it. */
export const receive = (socket: Socket, onTarget: (target: Target) => void) => {
  let seen = Buffer.alloc(0)
  let step = first

  const take = (more: Buffer) => {
    seen = Buffer.concat([seen, more])
    const found = step(seen)
    if (found === undefined) return
    if ("say" in found) {
      socket.write(found.say)
      seen = Buffer.alloc(0)
      step = found.next
      take(found.rest)
      return
    }
    socket.off("data", take).off("end", leave).setTimeout(0)
    if ("end" in found) return dismiss(socket, found.end)
    socket.pause()
    if (found.target.ahead.length > 0) socket.unshift(found.target.ahead)
    onTarget(found.target)
  }
  const leave = () => socket.destroy()
  socket.setTimeout(longestWait, leave)
  socket.on("error", leave)
  socket.on("end", leave)
  socket.on("data", take)
}

/** Says one last thing, and lets the client read it whatever it is still sending. */
export const dismiss = (socket: Socket, words: Buffer) => {
  socket.end(words)
  socket.resume()
  setTimeout(() => socket.destroy(), farewellMs).unref()
}
