/**
 * Keeps a worker's fork server from one server to the next, as a program with a server does: most tests have servers of their
 * own, and starting its process would cost more than many of them. What comes and goes with it is tried in
 * `forkServer.test.ts`, which lets go of it.
 */
import { Effect, Exit, Scope } from "effect"
import * as GlobalValue from "effect/GlobalValue"
import { holdForkServer } from "../../src/internal/sandbox/process/forkServerClient.js"

const held = GlobalValue.globalValue(
  "effect-agb/test/heldForkServer",
  (): { scope: Scope.CloseableScope | undefined } => ({ scope: undefined })
)

export const hold = async (): Promise<void> => {
  if (held.scope !== undefined) return
  held.scope = Effect.runSync(Scope.make())
  await Effect.runPromise(Scope.extend(holdForkServer, held.scope))
}

export const letGo = async (): Promise<void> => {
  const { scope } = held
  held.scope = undefined
  if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
}

await hold()
