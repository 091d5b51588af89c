import { fileURLToPath } from "node:url"
import type { TestProjectConfiguration } from "vitest/config"

const root = fileURLToPath(new URL(".", import.meta.url))

/** Everything waits longer on a busy machine; where nothing waits, patience costs nothing. */
const patience = 600_000

const support = `${root}packages/core/test/support`

const shared = {
  root,
  testTimeout: patience,
  hookTimeout: patience,
  setupFiles: [`${support}/ownTesters.ts`, `${support}/yieldsBetweenTests.ts`]
}

/** Tests that start no process and listen on no port, which `startsNothing.ts` holds them to. */
const unit = [
  "packages/core/test/**/*.test.ts",
  "packages/platform-node/test/agent/frames.test.ts",
  "packages/platform-node/test/files/filesReplay.test.ts",
  "packages/platform-node/test/client/{expiry,faultsDelete,faultsEnd,faultsReplies,memoryTransfers,owners,pool,retryGate,sessionCounts,sweep,time}.test.ts",
  "packages/platform-node/test/contexts/{contextExpiry,contextsClient}.test.ts",
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
      setupFiles: [...shared.setupFiles, `${support}/startsNothing.ts`]
    }
  },
  {
    test: {
      ...shared,
      name: "integration",
      include: ["{packages/*,examples}/test/**/*.test.ts"],
      exclude: [...unit, "**/node_modules/**"],
      setupFiles: [...shared.setupFiles, `${root}packages/platform-node/test/support/heldForkServer.ts`],
      globalSetup: [`${root}scripts/agentBundle.mjs`, `${root}scripts/pageBundle.mjs`]
    }
  }
]

export default projects
