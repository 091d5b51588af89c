import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import projects from "./vitest.workspace.js"

/** Most files wait more than they compute, so there are more workers than cores on a small machine. */
const workers = 4

/** Files that take long: one that began last would keep all other workers waiting. */
const long =
  /\/(leak|contractLocal|slowReaders|codeSandbox|filesEscape|isolationMemory|clients|docs|examples)\.test\.ts$/

class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/**
 * Forks, never threads: sandboxes die with the thread that started them. As many at least as at most, because Vitest's
 * pool may fail when it ends an idle worker of several.
 */
export default defineConfig({
  test: {
    projects,
    pool: "forks",
    maxWorkers: workers,
    minWorkers: workers,
    sequence: { sequencer: LongFirst }
  }
})
