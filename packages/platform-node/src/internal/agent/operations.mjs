// @ts-check
/** The operations by name. What is seldom asked for is loaded when it is. */
import { directoryOperations } from "./directories.mjs"
import { readFile } from "./files.mjs"
import { shell } from "./shell.mjs"

/** @typedef {import("./operation.mjs").Operation} Operation */

/**
 * @param {() => Promise<Operation>} load
 * @returns {Operation}
 */
const later = (load) => async (call, agent) => (await load())(call, agent)

/** @param {import("./operation.mjs").Agent} agent */
export const makeOperations = (agent) => {
  /** @type {Promise<Operation> | undefined} */
  let kernels

  /** @type {Record<string, Operation>} */
  const operations = {
    ping: () => Promise.resolve({ value: null }),
    shell,
    runCode: later(() => kernels ??= import("./kernels.mjs").then(({ makeKernels }) => makeKernels(agent))),
    readFile,
    ...directoryOperations,
    editFile: later(() => import("./edits.mjs").then(({ editFile }) => editFile)),
    searchFiles: later(() => import("./search.mjs").then(({ searchFiles }) => searchFiles)),
    listTree: later(() => import("./tree.mjs").then(({ listTree }) => listTree)),
    readFiles: later(() => import("./tree.mjs").then(({ readFiles }) => readFiles)),
    readPart: later(() => import("./tree.mjs").then(({ readPart }) => readPart)),
    fileChange: later(() => import("./changes.mjs").then(({ fileChange }) => fileChange)),
    tunnel: later(() => import("./tunnel.mjs").then(({ tunnel }) => tunnel)),
    metrics: later(() => import("./metrics.mjs").then(({ metrics }) => metrics))
  }
  return new Map(
    Object.entries(operations).map((
      [name, operation]
    ) => /** @type {const} */ ([name, (/** @type {import("./operation.mjs").Call} */ call) => operation(call, agent)]))
  )
}
