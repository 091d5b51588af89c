/** Options that a runtime does not know are refused by name, before anything is started. */
import { AgbError } from "@effect-agb/core"
import { AgbPromise, LocalAgb } from "@effect-agb/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"

const unknown: ReadonlyArray<readonly [field: string, options: unknown]> = [
  ["warm", { warm: 2 }],
  ["options", "isolation=none"],
  ["limits.memory", { limits: { memory: 1 } }],
  ["limits", { limits: 5 }],
  ["server.strangers", { server: { strangers: 1 } }],
  ["contextLimits.bytes", { contextLimits: { bytes: 1 } }],
  ["network.inbound", { network: { outbound: {}, inbound: {} }, isolation: "none" }]
]

for (const [field, options] of unknown) {
  it.scoped(`${field} of a runtime`, () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(LocalAgb.make(options as LocalAgb.Options))
      assert(error instanceof AgbError.ConfigurationError, String(error))
      assert.strictEqual(error.field, field)
    }))
}

for (const field of ["transport", "httpClient", "timeout", "envFile"]) {
  it(`${field} of an AGB`, () => {
    assert.throws(
      () => new AgbPromise.AGB({ apiKey: "akm-1", [field]: "x" } as AgbPromise.Options),
      new RegExp(`^Configuration: ${field} must be absent`)
    )
  })
}
