// @ts-check
"use strict"

/** Interrupting a run without the background processes that earlier runs have left in the group of their kernel. */
const fs = require("node:fs")

const line = Buffer.alloc(128)

/** @type {number | undefined} */
let loadFile

/** The number of the latest process: its successors have higher ones. Where there is none to be had, zero. */
const latestProcess = () => {
  try {
    loadFile ??= fs.openSync("/proc/loadavg", "r")
    const size = fs.readSync(loadFile, line, 0, line.length, 0)
    return Number(line.toString("latin1", 0, size).trim().split(" ").at(-1))
  } catch {
    return 0
  }
}

/**
 * Sends SIGINT to a kernel and to those of its process group that have started since.
 *
 * @param {number | undefined} kernel
 * @param {number} latest the latest process when the run began
 */
const interruptSince = (kernel, latest) => {
  if (kernel === undefined) return
  if (latest === 0) return interrupt(-kernel)
  for (const name of fs.readdirSync("/proc")) {
    if (Number(name) > latest && groupOf(name) === kernel) interrupt(Number(name))
  }
  interrupt(kernel)
}

/**
 * The name of a program stands in brackets and may hold anything.
 *
 * @param {string} pid
 */
const groupOf = (pid) => {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, "latin1")
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[2])
  } catch {
    return 0
  }
}

/** @param {number} pid */
const interrupt = (pid) => {
  try {
    process.kill(pid, "SIGINT")
  } catch { /* it has ended meanwhile */ }
}

module.exports = { latestProcess, interruptSince }
