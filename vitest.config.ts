import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import projects from "./vitest.workspace.js"

/**
 * Many files wait more than they compute, so there are more workers than cores on a small machine; with six of them, two
 * cores would need longer, since each imports the modules of its own.
 */
const workers = 4

/** Files that take long, the longest first: one that began last would keep all other workers waiting. */
const long = [
  "contractLocal",
  "leak",
  "leakOtherSeeds",
  "isolationMemory",
  "shellTrees",
  "slowReaders",
  "guardian",
  "codeSandbox",
  "faultsCreate",
  "examples",
  "codePythonNotebook",
  "clients",
  "processClients",
  "contextSaving",
  "egress",
  "packages",
  "leakLocal",
  "filesEscape",
  "attacksLimits",
  "attacksSession",
  "filesWhole",
  "sandbox",
  "promise",
  "isolationNeighbours",
  "contextTransfer",
  "docs"
].map((name) => `/${name}.test.ts`)

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = long.findIndex((name) => moduleId.endsWith(name))
  return rank === -1 ? long.length : rank
}

class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other))
  }
}

/**
 * Forks, never threads: sandboxes die with the thread that started them. The files of one fork share its modules, whose
 * import costs more than most of them, and so leave no trace in the process. As many forks at least as at most, because
 * Vitest's pool may fail when it ends an idle worker of several. A large young generation saves a fifth of the processor's
 * time where thousands of fibers are alive, since Node would copy them again and again, and a heap that is large at first some
 * collections while modules are imported.
 */
export default defineConfig({
  test: {
    projects,
    pool: "forks",
    poolOptions: { forks: { isolate: false, execArgv: ["--max-semi-space-size=64", "--initial-heap-size=1024"] } },
    maxWorkers: workers,
    minWorkers: workers,
    sequence: { sequencer: LongFirst }
  }
})
