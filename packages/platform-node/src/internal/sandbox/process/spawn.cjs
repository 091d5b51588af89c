// @ts-check
"use strict"

/** Starting a process. The host and its fork server both load this file, so it is plain JavaScript without dependencies. */
const { spawn } = require("node:child_process")
const fs = require("node:fs")
const os = require("node:os")

/** @typedef {import("./launch.js").Launch} Launch */

const niceIncrement = 5

/**
 * Sandboxed processes inherit this priority, so that the host comes first on busy processors.
 *
 * @param {number | undefined} pid
 */
const lowerPriority = (pid) => {
  try {
    if (pid !== undefined) os.setPriority(pid, Math.max(niceIncrement, os.getPriority()))
  } catch { /* it has exited already */ }
}

/**
 * Puts `mask` in the place of the inherited descriptors.
 *
 * @param {ReadonlyArray<"pipe" | "ignore" | "ipc">} first
 * @param {ReadonlyArray<number>} inherited
 * @param {number} mask
 */
const maskedStdio = (first, inherited, mask) => {
  /** @type {Array<"pipe" | "ignore" | "ipc" | number>} */
  const stdio = [...first]
  for (const fd of inherited) {
    while (stdio.length <= fd) stdio.push("ignore")
    if (stdio[fd] === "ignore") stdio[fd] = mask
  }
  return stdio
}

const closeOnExec = 0o2000000

/**
 * Whether a child would inherit the descriptor. Node opens its own with O_CLOEXEC.
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

const inheritedFds = () => {
  try {
    return fs.readdirSync("/proc/self/fd").map(Number).filter((fd) => fd > 2 && isInherited(fd))
  } catch {
    return []
  }
}

/**
 * Calls `use` with a stdio list that gives a child nothing beyond `first`: descriptors that it would inherit are masked
 * with /dev/null, since an open directory of the host would be a way out of the sandbox.
 *
 * @template A
 * @param {ReadonlyArray<"pipe" | "ignore" | "ipc">} first
 * @param {(stdio: Array<"pipe" | "ignore" | "ipc" | number>) => A} use
 * @returns {A}
 */
const withInheritedFdsMasked = (first, use) => {
  const inherited = inheritedFds()
  const mask = inherited.length === 0 ? -1 : fs.openSync("/dev/null", "r")
  try {
    return use(maskedStdio(first, inherited, mask))
  } finally {
    if (mask !== -1) fs.closeSync(mask)
  }
}

/**
 * The three standard streams, and one pipe for each content of the launch.
 *
 * @param {Launch} launch
 */
const pipesOf = (launch) => {
  /** @type {ReadonlyArray<"pipe">} */
  const standard = ["pipe", "pipe", "pipe"]
  return [...standard, ...launch.descriptors.map(() => /** @type {const} */ ("pipe"))]
}

/**
 * Starts the process in a process group of its own, with no environment but that of the launch. May throw where the
 * machine is out of file descriptors.
 *
 * @param {Launch} launch
 * @param {Array<"pipe" | "ignore" | "ipc" | number>} stdio
 */
const spawnLaunch = (launch, stdio) => {
  const child = spawn(launch.command, [...launch.args], {
    cwd: launch.cwd,
    env: launch.environment,
    detached: true,
    stdio,
    windowsHide: true,
    ...(launch.uid === undefined ? {} : { uid: launch.uid, gid: launch.uid })
  })
  child.on("error", () => {})
  lowerPriority(child.pid)
  launch.descriptors.forEach((content, index) => {
    const pipe = /** @type {import("node:stream").Writable | null} */ (child.stdio[3 + index])
    pipe?.on("error", () => {})
    pipe?.end(content)
  })
  return child
}

module.exports = { pipesOf, spawnLaunch, withInheritedFdsMasked }
