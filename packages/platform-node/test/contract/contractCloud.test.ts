/** The contract on the real cloud. It costs money, so it runs only when asked for. */
import { NodeAgb } from "@effect-agb/platform-node"
import { it } from "@effect/vitest"
import { sessionSuite } from "./suite/sessionSuite.js"

if (process.env.AGB_API_KEY !== undefined && process.env.AGB_TEST_CLOUD === "1") {
  sessionSuite("the cloud", {
    layer: NodeAgb.layerConfig(),
    clock: "live",
    languages: ["python", "javascript", "java", "r"],
    crowd: 4
  })
} else {
  it.skip("not run: the contract on the cloud, which needs AGB_API_KEY and AGB_TEST_CLOUD=1", () => {})
}
