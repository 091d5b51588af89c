// @ts-check
"use strict"

/**
 * A client of the session's proxy, until it is known where it wants to go. One port speaks both HTTP and SOCKS5: the first
 * byte tells which.
 */
const { httpRequest } = require("./proxyHttp.cjs")
const { socksGreeting } = require("./proxySocks.cjs")

/**
 * Where a client wants to go, what it is told when it is there, what the server gets first, and how it is refused.
 *
 * @typedef {object} Target
 * @property {string} host
 * @property {number} port
 * @property {Buffer} greeting
 * @property {Buffer} ahead
 * @property {(reason: Reason, message: string) => Buffer} refused
 */

/** @typedef {"forbidden" | "unknown" | "unreachable" | "closed" | "late"} Reason */

/**
 * Looks at what a client has said so far: more is needed, or there is an answer and then another step, or it is known
 * where to go, or all that is left is to say something and go.
 *
 * @typedef {(seen: Buffer) =>
 *   | undefined
 *   | { readonly say: Buffer, readonly rest: Buffer, readonly next: Step }
 *   | { readonly target: Target }
 *   | { readonly end: Buffer }} Step
 */

const longestWait = 60_000
const farewellMs = 2000
const socks = 5

/** @type {Step} */
const first = (seen) => seen[0] === socks ? socksGreeting(seen) : httpRequest(seen)

/**
 * Calls back once when it is known where the client wants to go; until then nothing more is read from it.
 *
 * @param {import("node:net").Socket} socket
 * @param {(target: Target) => void} onTarget
 */
const receive = (socket, onTarget) => {
  let seen = Buffer.alloc(0)
  let step = first

  /** @param {Buffer} more */
  const take = (more) => {
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

/**
 * Says one last thing, and lets the client read it whatever it is still sending.
 *
 * @param {import("node:net").Socket} socket
 * @param {Buffer} words
 */
const dismiss = (socket, words) => {
  socket.end(words)
  socket.resume()
  setTimeout(() => socket.destroy(), farewellMs).unref()
}

module.exports = { receive, dismiss }
