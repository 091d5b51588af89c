/**
 * Sandboxes started ahead of demand. The pool owns those that are idle; whoever takes one owns it from then on, even
 * beyond the end of the pool.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Os from "node:os"
import { makeFifoSemaphore } from "../fifoSemaphore.js"
import { acquireOwned, adopt, type Owned } from "../ownScope.js"
import type { SandboxStartError } from "./channel/protocol.js"
import { sweepWorkspaces } from "./disk/workspace.js"
import { holdForkServer } from "./process/forkServerClient.js"
import { make as makeSandbox, type Sandbox, type SandboxOptions } from "./sandbox.js"

export interface SandboxPool {
  /** An idle sandbox, or else a new one; it ends with the scope of the taker. */
  readonly take: Effect.Effect<Sandbox, SandboxStartError, Scope.Scope>
  /** Number of idle sandboxes. */
  readonly idle: Effect.Effect<number>
}

export interface SandboxPoolOptions extends SandboxOptions {
  /** Idle sandboxes to keep. Default 1. */
  readonly size?: number | undefined
}

/** More concurrent starts make each slower, until the slowest runs into its timeout. */
const maxConcurrentStarts = () => Os.availableParallelism() + 2

/** A new session starts working at once, and starting another sandbox beside it would slow it down. */
const refillDelay = "50 millis"

const close = ({ scope }: Owned<Sandbox>) => Scope.close(scope, Exit.void)

/** Takes the first that is still alive, and closes those before it that are not. */
const takeAlive = (idle: Array<Owned<Sandbox>>): Effect.Effect<Owned<Sandbox> | undefined> =>
  Effect.suspend(() => {
    const owned = idle.shift()
    if (owned === undefined) return Effect.succeed(undefined)
    return Effect.flatMap(
      owned.value.isLost,
      (isLost) => isLost ? Effect.zipRight(close(owned), takeAlive(idle)) : Effect.succeed(owned)
    )
  })

/**
 * Starts sandboxes in the background at once, and replaces each that is taken. A background start that fails is logged
 * and tried again after the next take.
 */
export const make = (options: SandboxPoolOptions): Effect.Effect<SandboxPool, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { isolation: { memory }, size = 1 } = options
    const limitStarts = makeFifoSemaphore(maxConcurrentStarts())
    const poolScope = yield* Effect.scope
    yield* holdForkServer
    const idle: Array<Owned<Sandbox>> = []
    let starting = 0
    yield* Effect.forkIn(sweepWorkspaces, poolScope)
    if (memory !== undefined) {
      yield* memory.sweep
      yield* Effect.addFinalizer(() => memory.drained)
    }

    // Runs after the interruption of pending starts, since finalizers run in reverse order.
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => Effect.forEach(idle.splice(0), close, { concurrency: "unbounded", discard: true }))
    )

    const startOne = Effect.uninterruptibleMask((restore) =>
      restore(limitStarts(acquireOwned(makeSandbox(options)))).pipe(
        Effect.map((owned) => void idle.push(owned)),
        Effect.catchAll((error) => Effect.logWarning("No sandbox could be kept ready", error)),
        Effect.ensuring(Effect.sync(() => starting--))
      )
    )

    const refill = Effect.suspend(() => {
      const lacking = Math.max(0, size - idle.length - starting)
      starting += lacking
      return Effect.replicateEffect(Effect.forkIn(Effect.interruptible(startOne), poolScope), lacking)
    })

    const refillSoon = Effect.forkIn(Effect.interruptible(Effect.delay(refill, refillDelay)), poolScope)

    const handOut = (owned: Owned<Sandbox>) => Effect.zipRight(refillSoon, adopt(owned))

    /** One may have become idle while the taker waited for a permit. */
    const takeOrStart = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(takeAlive(idle), (owned) => owned === undefined ? restore(makeSandbox(options)) : handOut(owned))
    )

    const take = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        takeAlive(idle),
        (owned) => owned === undefined ? Effect.zipRight(refillSoon, restore(limitStarts(takeOrStart))) : handOut(owned)
      )
    )

    yield* refill
    return { take, idle: Effect.sync(() => idle.length) }
  })
