// @ts-check
"use strict"

/** What an operation of the agent is: a call goes in, one reply comes out or a Failure is thrown. */
const fs = require("node:fs")

/**
 * @typedef {object} Config
 * @property {string} home
 * @property {string} tmp
 * @property {Readonly<Record<string, string>>} env the whole environment of user processes
 * @property {string} [workdir] where shell and kernels start; the home directory by default
 * @property {Readonly<Record<string, string | undefined>>} interpreters absolute paths
 * @property {{ readonly maxOutputBytes: number, readonly memoryBytes?: number }} limits the memory is that of the session
 * @property {{ readonly host: string, readonly port: number }} [proxy] the session's way out, where it has one
 * @property {boolean} [confine] whether the file operations must keep to home and tmp themselves, since no root directory
 *   of their own does it
 */

/**
 * @typedef {object} Agent
 * @property {Config} config
 * @property {import("./connection.cjs").Output} output
 * @property {Map<number, (args: import("./args.cjs").Args) => import("./connection.cjs").Sink | undefined>} inputs what
 *   the host says to a call that runs, by the id of the call
 * @property {import("./pipes.cjs").Pipes} pipes
 * @property {import("./processes.cjs").Processes} processes
 */

/**
 * @typedef {object} Call
 * @property {number} id
 * @property {import("./args.cjs").Args} args
 * @property {AbortSignal} signal aborted when the host cancels the call
 */

/**
 * @typedef {object} Reply
 * @property {unknown} value
 * @property {ReadonlyArray<Uint8Array>} [body]
 * @property {{ readonly fd: number, readonly offset: number, readonly length: number }} [file] a range of an open file,
 *   sent as the body; the file is closed afterwards
 */

/** @typedef {(call: Call, agent: Agent) => Promise<Reply>} Operation */

/**
 * Where commands and kernels start, made again where a session has removed it.
 *
 * @param {Config} config
 */
const workdirOf = ({ home, workdir = home }) => {
  try {
    fs.mkdirSync(workdir, { recursive: true })
  } catch { /* what is in the way is told when it is entered */ }
  return workdir
}

module.exports = { workdirOf }
