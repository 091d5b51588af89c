// @ts-check
"use strict"

/** Starting a process. Both the host and its spawner load this file, so it is plain JavaScript with no dependency. */
const { spawn } = require("node:child_process")
const fs = require("node:fs")
const os = require("node:os")

/** @typedef {import("./launch.js").Launch} Launch */

const politeness = 5

/**
 * What a sandbox runs inherits this, so that it comes after its host where the processors are busy.
 *
 * @param {number | undefined} pid
 */
const giveWay = (pid) => {
  try {
    if (pid !== undefined) os.setPriority(pid, Math.max(politeness, os.getPriority()))
  } catch { /* it has ended already */ }
}

/**
 * The null device takes the place of what is covered.
 *
 * @param {ReadonlyArray<"pipe" | "ignore" | "ipc">} first
 * @param {ReadonlyArray<number>} covered
 * @param {number} cover
 */
const covering = (first, covered, cover) => {
  /** @type {Array<"pipe" | "ignore" | "ipc" | number>} */
  const stdio = [...first]
  for (const fd of covered) {
    while (stdio.length <= fd) stdio.push("ignore")
    if (stdio[fd] === "ignore") stdio[fd] = cover
  }
  return stdio
}

const closeOnExec = 0o2000000

/**
 * Whether a program started now would inherit the descriptor: Node opens its own in a way that prevents it.
 *
 * @param {number} fd
 */
const isInherited = (fd) => {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]
    return flags !== undefined && (parseInt(flags, 8) & closeOnExec) === 0
  } catch {
    return false
  }
}

const inherited = () => {
  try {
    return fs.readdirSync("/proc/self/fd").map(Number).filter((fd) => fd > 2 && isInherited(fd))
  } catch {
    return []
  }
}

/**
 * Calls back with descriptors for a child of which none beyond `first` is one of this process: a directory of the host
 * would be a way out of the sandbox.
 *
 * @template A
 * @param {ReadonlyArray<"pipe" | "ignore" | "ipc">} first
 * @param {(stdio: Array<"pipe" | "ignore" | "ipc" | number>) => A} use
 * @returns {A}
 */
const withCovered = (first, use) => {
  const covered = inherited()
  const cover = covered.length === 0 ? -1 : fs.openSync("/dev/null", "r")
  try {
    return use(covering(first, covered, cover))
  } finally {
    if (cover !== -1) fs.closeSync(cover)
  }
}

/**
 * The standard three, and what the launch delivers.
 *
 * @param {Launch} launch
 */
const pipesOf = (launch) => {
  /** @type {ReadonlyArray<"pipe">} */
  const standard = ["pipe", "pipe", "pipe"]
  return [...standard, ...launch.descriptors.map(() => /** @type {const} */ ("pipe"))]
}

/**
 * Starts it in a process group of its own, with an environment made from nothing. May throw where the machine is out of
 * descriptors.
 *
 * @param {Launch} launch
 * @param {Array<"pipe" | "ignore" | "ipc" | number>} stdio
 */
const startLaunch = (launch, stdio) => {
  const child = spawn(launch.command, [...launch.args], {
    cwd: launch.cwd,
    env: launch.environment,
    detached: true,
    stdio,
    windowsHide: true,
    ...(launch.uid === undefined ? {} : { uid: launch.uid, gid: launch.uid })
  })
  child.on("error", () => {})
  giveWay(child.pid)
  launch.descriptors.forEach((content, index) => {
    const pipe = /** @type {import("node:stream").Writable | null} */ (child.stdio[3 + index])
    pipe?.on("error", () => {})
    pipe?.end(content)
  })
  return child
}

module.exports = { pipesOf, startLaunch, withCovered }
