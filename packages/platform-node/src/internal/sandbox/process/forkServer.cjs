// @ts-check
"use strict"

/**
 * The process that starts sandboxes for its host: a fork makes a process stand still, the longer the more memory it has.
 * This one has little, keeps nothing of what it starts but the duty to reap it, and dies with its host.
 */
const { Socket } = require("node:net")
const { pipesOf, startLaunch } = require("./spawn.cjs")

/**
 * What the host says. After `finish` comes no launch, and this process ends with the last that it started.
 *
 * @typedef {{ readonly id: number, readonly launch: import("./launch.js").Launch } | { readonly finish: true }} Order
 */

/**
 * What the host hears of each launch: `failed`, or `pid`, three `pipe`s with a socket each, `handedOver` and `ended`.
 *
 * @typedef {{ readonly id: number } & (
 *   | { readonly failed: string }
 *   | { readonly pid: number }
 *   | { readonly pipe: number }
 *   | { readonly handedOver: true }
 *   | { readonly ended: { readonly code: number | null, readonly signal: string | null } }
 * )} News
 */

let running = 0
let isFinishing = false

/**
 * @param {News} news
 * @param {import("node:net").Socket} [socket]
 */
const tell = (news, socket) => void process.send?.(news, socket)

/**
 * Takes a pipe from its process, before a byte of it has been read: all of them are for the host.
 *
 * @param {object | null | undefined} pipe
 */
const taken = (pipe) => {
  const owner = /** @type {{ _handle: { readStop: () => void } | null }} */ (pipe)
  const handle = owner._handle
  handle?.readStop()
  owner._handle = null
  return new Socket(/** @type {object} */ ({ handle, manualStart: true }))
}

const leaveWhenDone = () => {
  if (isFinishing && running === 0) process.disconnect()
}

/**
 * @param {number} id
 * @param {import("./launch.js").Launch} launch
 */
const start = (id, launch) => {
  const child = startLaunch(launch, pipesOf(launch))
  if (child.pid === undefined) return void child.once("error", ({ message }) => tell({ id, failed: message }))
  running++
  child.once("exit", (code, signal) => {
    running--
    tell({ id, ended: { code, signal } })
    leaveWhenDone()
  })
  tell({ id, pid: child.pid })
  child.stdio.slice(0, 3).map(taken).forEach((socket, pipe) => tell({ id, pipe }, socket))
  tell({ id, handedOver: true })
}

/** @param {Order} order */
const obey = (order) => {
  if ("finish" in order) {
    isFinishing = true
    return leaveWhenDone()
  }
  try {
    start(order.id, order.launch)
  } catch (error) {
    tell({ id: order.id, failed: error instanceof Error ? error.message : String(error) })
  }
}

// Not by an exit, which would take its time: sandboxes live as long as this process.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
// That event can get lost with an error while a descriptor is on its way.
setInterval(() => process.connected || process.kill(process.pid, "SIGKILL"), 250)
// Node loses count of the descriptors that a host without room for them did not take. That is no reason to end them all.
process.on("uncaughtException", (error) => {
  if (!("code" in error) || error.code !== "ERR_INTERNAL_ASSERTION") process.kill(process.pid, "SIGKILL")
})
// They may be meant for the host's whole group or service, and the host decides when its sandboxes end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {})
process.on("message", (order) => obey(/** @type {Order} */ (order)))
