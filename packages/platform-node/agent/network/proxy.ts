/**
 * A client of the session's proxy, until its target is known. One port accepts both HTTP and SOCKS5: the first byte tells
 * them apart.
 */
import type { Socket } from "node:net"
import { httpRequest } from "./proxyHttp.js"
import type { Step, Target } from "./proxyProtocol.js"
import { socksGreeting, socksVersion } from "./proxySocks.js"

const handshakeMs = 60_000
const lingerMs = 2000

const first: Step = (received) => received[0] === socksVersion ? socksGreeting(received) : httpRequest(received)

/** Calls `onTarget` once the target is known; after that nothing more is read until the socket is resumed. */
export const readTarget = (socket: Socket, onTarget: (target: Target) => void) => {
  let received = Buffer.alloc(0)
  let step = first

  const take = (more: Buffer) => {
    received = Buffer.concat([received, more])
    const found = step(received)
    if (found === undefined) return
    if ("reply" in found) {
      socket.write(found.reply)
      received = Buffer.alloc(0)
      step = found.next
      take(found.rest)
      return
    }
    socket.off("data", take).off("end", destroy).setTimeout(0)
    if ("end" in found) return endWith(socket, found.end)
    socket.pause()
    if (found.target.head.length > 0) socket.unshift(found.target.head)
    onTarget(found.target)
  }
  const destroy = () => socket.destroy()
  socket.setTimeout(handshakeMs, destroy)
  socket.on("error", destroy)
  socket.on("end", destroy)
  socket.on("data", take)
}

/** Sends a last reply and reads on for a while, since closing with unread data would reset the connection. */
export const endWith = (socket: Socket, reply: Buffer) => {
  socket.end(reply)
  socket.resume()
  setTimeout(() => socket.destroy(), lingerMs).unref()
}
