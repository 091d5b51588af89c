import { fileURLToPath } from "node:url"
import type { TestProjectConfiguration } from "vitest/config"

const root = fileURLToPath(new URL(".", import.meta.url))

/** Everything waits longer on a busy machine; where nothing waits, patience costs nothing. */
const patience = 60_000

/** Files share nothing: each has a process of its own. */
const shared = { root, testTimeout: patience, hookTimeout: patience }

/** Tests that start no process and listen on no port, which `startsNothing.ts` holds them to. */
const unit = [
  "packages/core/test/**/*.test.ts",
  "packages/platform-node/test/agent/{filesReplay,frames}.test.ts",
  "packages/platform-node/test/client/{faultsDelete,faultsReplies,time}.test.ts",
  "packages/platform-node/test/contexts/contextExpiry.test.ts",
  "packages/platform-node/test/contract/contractFake.test.ts",
  "packages/platform-node/test/egress/{egressDial,egressPolicy}.test.ts",
  "packages/platform-node/test/promise/promise.test.ts"
]

/** The list of projects, which `vitest.config.ts` reads. */
const projects: Array<TestProjectConfiguration> = [
  {
    test: {
      ...shared,
      name: "unit",
      include: unit,
      setupFiles: [`${root}packages/core/test/support/startsNothing.ts`]
    }
  },
  {
    test: {
      ...shared,
      name: "integration",
      include: ["{packages/*,examples}/test/**/*.test.ts"],
      exclude: [...unit, "**/node_modules/**"],
      globalSetup: [`${root}scripts/agentBundle.mjs`]
    }
  }
]

export default projects
