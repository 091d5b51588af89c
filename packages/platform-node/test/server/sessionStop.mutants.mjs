/** What `sessionStop.test.ts` watches over, each broken on purpose. */

const registry = "packages/platform-node/src/internal/server/sessions/registry.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "sessions that were not saved are remembered in bounded number",
    changes: { [registry]: [["until > now && this.#unsaved.size <= maxUnsaved", "until > now"]] },
    caughtBy: "is not remembered for ever, however many there are"
  },
  {
    defence: "a client that is gone does not cut off the saving",
    changes: {
      [registry]: [[
        "return Effect.flatMap(Effect.uninterruptible(this.#beginStop(session, reason)), Fiber.join)",
        "return Effect.flatMap(this.#beginStop(session, reason), (f) => Effect.onInterrupt(Fiber.join(f), () => Fiber.interrupt(f)))"
      ]]
    },
    caughtBy: "goes on saving when the client that waits for it is gone"
  },
  {
    defence: "a server that stops: what has to be saved is saved",
    changes: {
      [registry]: [["const idle = this.#withoutHooks.filter(", "const idle = [...this.#sessions.values()].filter("]]
    },
    caughtBy: "nothing to do and nothing to save"
  },
  {
    defence: "a server that stops: who works has time to finish",
    changes: { [registry]: [["this.#withoutHooks.filter(({ active }) => active === 0)", "this.#withoutHooks"]] },
    caughtBy: "nothing to do and nothing to save"
  },
  {
    defence: "a server that stops: the kernel ends all sessions while they are removed",
    changes: { [registry]: [["        killAll(idle),\n", "        Effect.void,\n"]] },
    caughtBy: "nothing to do and nothing to save"
  },
  {
    defence: "a server that stops: what is being removed is waited for",
    changes: {
      [registry]: [["Effect.zipRight(Effect.suspend(() => Fiber.awaitAll(this.#stopping)))", "Effect.asVoid"]]
    },
    caughtBy: "kills all of them before it removes the first"
  }
]
