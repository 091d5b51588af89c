import type { HarnessV1NetworkSandboxSession, HarnessV1SandboxProvider } from "@ai-sdk/harness"
import type * as AiSdk from "@effect-agb/ai/AiSdk"
import { expect, test } from "tstyche"

test("the provider and its sandboxes are those of harnesses", () => {
  expect<AiSdk.Provider>().type.toBeAssignableTo<HarnessV1SandboxProvider>()
  expect<AiSdk.NetworkSandbox>().type.toBeAssignableTo<HarnessV1NetworkSandboxSession>()
})
