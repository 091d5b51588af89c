import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.js"

/** Most files wait more than they compute, so there are more workers than cores on a small machine. */
const workers = 4

/**
 * Forks, never threads: sandboxes die with the thread that started them. As many at least as at most, because Vitest's
 * pool may fail when it ends an idle worker of several.
 */
export default defineConfig({
  test: {
    projects,
    pool: "forks",
    poolOptions: { forks: { isolate: false } },
    maxWorkers: workers,
    minWorkers: workers
  }
})
