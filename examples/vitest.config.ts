import { defineConfig } from "vitest/config"

/** Sandboxes start slowly on a busy machine. */
const patience = 60_000

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["../scripts/agentBundle.mjs"],
    testTimeout: patience,
    hookTimeout: patience
  }
})
