import { defineConfig } from "vitest/config"

/** Most files wait more than they compute: two at a time, also where there are only two cores. */
export default defineConfig({ test: { projects: ["packages/*", "examples"], maxWorkers: 2, minWorkers: 1 } })
