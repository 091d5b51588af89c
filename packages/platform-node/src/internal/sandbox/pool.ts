/**
 * Sandboxes that are ready before anybody asks. The pool owns those that wait; whoever takes one owns it from then on,
 * also beyond the end of the pool.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Os from "node:os"
import { makeTurns } from "../fifoSemaphore.js"
import type { SandboxStartError } from "./channel/protocol.js"
import { sweepWorkspaces } from "./disk/workspace.js"
import { holdSpawner } from "./process/forkServerClient.js"
import { make as makeSandbox, type Sandbox, type SandboxOptions } from "./sandbox.js"

export interface SandboxPool {
  /** A sandbox that waited, or else a new one; ended with the scope of the taker. */
  readonly take: Effect.Effect<Sandbox, SandboxStartError, Scope.Scope>
  /** How many wait now. */
  readonly waiting: Effect.Effect<number>
}

export interface SandboxPoolOptions extends SandboxOptions {
  /** Idle sandboxes to keep started. Default 1. */
  readonly size?: number | undefined
}

interface Owned {
  readonly sandbox: Sandbox
  readonly scope: Scope.CloseableScope
}

/** A sandbox under a scope of its own; an interruption during the start leaves nothing. */
const start = (options: SandboxOptions): Effect.Effect<Owned, SandboxStartError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sandbox = yield* restore(makeSandbox(options)).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      return { sandbox, scope }
    })
  )

/** More at once would only make each take longer, until the slowest seems not to start at all. */
const mostStarts = () => Os.availableParallelism() + 2

const refillDelay = "50 millis"

const close = (owned: Owned) => Scope.close(owned.scope, Exit.void)

/**
 * Begins to start sandboxes at once, in the background, and replaces each that is taken. A start that fails there is
 * logged and tried again with the next take.
 */
export const make = (options: SandboxPoolOptions): Effect.Effect<SandboxPool, never, Scope.Scope> =>
  Effect.gen(function*() {
    const size = options.size ?? 1
    const inTurn = makeTurns(mostStarts())
    const poolScope = yield* Effect.scope
    yield* holdSpawner
    const ready: Array<Owned> = []
    let starting = 0
    const { memory } = options.isolation
    yield* Effect.forkIn(sweepWorkspaces, poolScope)
    if (memory !== undefined) {
      yield* memory.sweep
      yield* Effect.addFinalizer(() => memory.cleared)
    }

    // Runs after the interruption of those that still start: the scope ends in reverse order.
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => Effect.forEach(ready.splice(0), close, { concurrency: "unbounded", discard: true }))
    )

    const startOne = Effect.uninterruptibleMask((restore) =>
      restore(inTurn(start(options))).pipe(
        Effect.map((owned) => void ready.push(owned)),
        Effect.catchAll((error) => Effect.logWarning("No sandbox could be kept ready", error)),
        Effect.ensuring(Effect.sync(() => starting--))
      )
    )

    const refill = Effect.suspend(() => {
      const lacking = Math.max(0, size - ready.length - starting)
      starting += lacking
      return Effect.replicateEffect(Effect.forkIn(Effect.interruptible(startOne), poolScope), lacking)
    })

    const next: Effect.Effect<Owned | undefined> = Effect.suspend(() => {
      const owned = ready.shift()
      if (owned === undefined) return Effect.succeed(undefined)
      return Effect.flatMap(
        owned.sandbox.isLost,
        (isLost) => isLost ? Effect.zipRight(close(owned), next) : Effect.succeed(owned)
      )
    })

    const adopt = ({ sandbox, scope }: Owned) =>
      Effect.as(Effect.addFinalizer((exit) => Scope.close(scope, exit)), sandbox)

    /** A new session begins to work at once, and a start beside it would slow that down. */
    const refillSoon = Effect.forkIn(Effect.interruptible(Effect.delay(refill, refillDelay)), poolScope)

    const handOut = (owned: Owned) => Effect.zipRight(refillSoon, adopt(owned))

    /** One may have become ready while the taker waited for its turn. */
    const takeOrStart = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(next, (owned) => owned === undefined ? restore(makeSandbox(options)) : handOut(owned))
    )

    const take = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        next,
        (owned) => owned === undefined ? Effect.zipRight(refillSoon, restore(inTurn(takeOrStart))) : handOut(owned)
      )
    )

    yield* refill
    return { take, waiting: Effect.sync(() => ready.length) }
  })
