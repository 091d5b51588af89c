// @ts-check
"use strict"

/** The operations by name. What is seldom asked for is loaded when it is. */
const { directoryOperations } = require("./directories.cjs")
const { readFile } = require("./files.cjs")
const { shell } = require("./shell.cjs")

/** @typedef {import("./operation.cjs").Operation} Operation */

/**
 * @param {() => Operation} load
 * @returns {Operation}
 */
const later = (load) => async (call, agent) => load()(call, agent)

/** @param {import("./operation.cjs").Agent} agent */
const makeOperations = (agent) => {
  /** @type {Operation | undefined} */
  let kernels
  /** @type {Record<"outbound" | "accept" | "refuse", Operation> | undefined} */
  let outbound
  const ways = () => outbound ??= require("./outbound.cjs").makeOutbound()

  /** @type {Record<string, Operation>} */
  const operations = {
    ping: () => Promise.resolve({ value: null }),
    shell,
    runCode: later(() => kernels ??= require("./kernels.cjs").makeKernels(agent)),
    readFile,
    ...directoryOperations,
    moveFile: later(() => require("./moving.cjs").moveFile),
    editFile: later(() => require("./edits.cjs").editFile),
    searchFiles: later(() => require("./search.cjs").searchFiles),
    listTree: later(() => require("./tree.cjs").listTree),
    readFiles: later(() => require("./tree.cjs").readFiles),
    readPart: later(() => require("./tree.cjs").readPart),
    fileChange: later(() => require("./changes.cjs").fileChange),
    tunnel: later(() => require("./tunnel.cjs").tunnel),
    outbound: later(() => ways().outbound),
    accept: later(() => ways().accept),
    refuse: later(() => ways().refuse),
    metrics: later(() => require("./metrics.cjs").metrics)
  }
  return new Map(
    Object.entries(operations).map((
      [name, operation]
    ) => /** @type {const} */ ([name, (/** @type {import("./operation.cjs").Call} */ call) => operation(call, agent)]))
  )
}

module.exports = { makeOperations }
