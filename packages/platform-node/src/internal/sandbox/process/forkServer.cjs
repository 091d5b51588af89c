// @ts-check
"use strict"

/**
 * The fork server: a small process that starts sandboxes for its host. Forking blocks a process for longer the more memory
 * it has, and this one has little. It reaps what it starts and dies with its host.
 */
const { Socket } = require("node:net")
const { pipesOf, spawnLaunch } = require("./spawn.cjs")

/**
 * A request of the host. After `finish` comes no launch, and this process exits with the last one that it started.
 *
 * @typedef {{ readonly id: number, readonly launch: import("./launch.js").Launch } | { readonly finish: true }} ForkRequest
 */

/**
 * The events of a launch: `failed`, or else `pid`, three `pipe`s with a socket each, `handedOver` and `exited`.
 *
 * @typedef {{ readonly id: number } & (
 *   | { readonly failed: string }
 *   | { readonly pid: number }
 *   | { readonly pipe: number }
 *   | { readonly handedOver: true }
 *   | { readonly exited: { readonly code: number | null, readonly signal: string | null } }
 * )} ForkEvent
 */

let running = 0
let isFinishing = false

/**
 * @param {ForkEvent} event
 * @param {import("node:net").Socket} [socket]
 */
const send = (event, socket) => void process.send?.(event, socket)

/**
 * Detaches a pipe from its process before a byte of it is read: all of them are for the host.
 *
 * @param {object | null | undefined} pipe
 */
const detached = (pipe) => {
  const owner = /** @type {{ _handle: { readStop: () => void } | null }} */ (pipe)
  const handle = owner._handle
  handle?.readStop()
  owner._handle = null
  return new Socket(/** @type {object} */ ({ handle, manualStart: true }))
}

const exitWhenDone = () => {
  if (isFinishing && running === 0) process.disconnect()
}

/**
 * @param {number} id
 * @param {import("./launch.js").Launch} launch
 */
const start = (id, launch) => {
  const child = spawnLaunch(launch, pipesOf(launch))
  if (child.pid === undefined) return void child.once("error", ({ message }) => send({ id, failed: message }))
  running++
  child.once("exit", (code, signal) => {
    running--
    send({ id, exited: { code, signal } })
    exitWhenDone()
  })
  send({ id, pid: child.pid })
  child.stdio.slice(0, 3).map(detached).forEach((socket, pipe) => send({ id, pipe }, socket))
  send({ id, handedOver: true })
}

/** @param {ForkRequest} request */
const handle = (request) => {
  if ("finish" in request) {
    isFinishing = true
    return exitWhenDone()
  }
  try {
    start(request.id, request.launch)
  } catch (error) {
    send({ id: request.id, failed: error instanceof Error ? error.message : String(error) })
  }
}

// SIGKILL, since an orderly exit takes longer, and sandboxes live until this process is gone.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
// An error while a descriptor is in transit can swallow the disconnect event.
setInterval(() => process.connected || process.kill(process.pid, "SIGKILL"), 250)
// Node throws this one when a host that is out of file descriptors does not accept a handle. It must not end all sandboxes.
process.on("uncaughtException", (error) => {
  if (!("code" in error) || error.code !== "ERR_INTERNAL_ASSERTION") process.kill(process.pid, "SIGKILL")
})
// Signals may be sent to the host's whole group or service; when sandboxes end is up to the host.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {})
process.on("message", (request) => handle(/** @type {ForkRequest} */ (request)))
