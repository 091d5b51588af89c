/** The operations by name. */
import { directoryOperations } from "./files/directories.js"
import { editFile } from "./files/edits.js"
import { moveFile } from "./files/moving.js"
import { readFile } from "./files/readFile.js"
import { searchFiles } from "./files/search.js"
import { listTree, readFiles, readPart } from "./files/tree.js"
import { makeKernels } from "./kernels/kernels.js"
import { makeOutbound } from "./network/egress.js"
import { tunnel } from "./network/tunnel.js"
import type { Agent, Call, Operation, Reply } from "./operation.js"
import { metrics } from "./process/metrics.js"
import { shell } from "./process/shell.js"
import { fileChange } from "./watch/changes.js"

export const makeOperations = (agent: Agent): ReadonlyMap<string, (call: Call) => Promise<Reply>> => {
  const operations: Record<string, Operation> = {
    ping: () => Promise.resolve({ value: null }),
    shell,
    runCode: makeKernels(agent),
    readFile,
    ...directoryOperations,
    moveFile,
    editFile,
    searchFiles,
    listTree,
    readFiles,
    readPart,
    fileChange,
    tunnel,
    ...makeOutbound(),
    metrics
  }
  return new Map(
    Object.entries(operations).map(([name, operation]) => [name, async (call: Call) => operation(call, agent)])
  )
}
