/** What `handover.test.ts` watches over, each broken on purpose. */

const client = "packages/core/src/internal/session/files/handedFiles.ts"
const agent = "packages/platform-node/agent/files"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what does not work is not tried again in the same session",
    changes: { [client]: [["this.#isOff || bytes < leastHandedBytes", "bytes < leastHandedBytes"]] },
    caughtBy: "go over the network after one attempt"
  },
  {
    defence: "what is given up has ended before it is written in another way",
    changes: { [client]: [["      if (Option.isNone(file)) yield* discarded(close(reply))\n", ""]] },
    caughtBy: "go over the network after one attempt"
  },
  {
    defence: "what the server has opened is given up, whenever it says so",
    changes: {
      [client]: [[
        "discarded(Effect.flatMap(Fiber.join(asked), close))",
        "Effect.asVoid(Fiber.interrupt(asked))"
      ]]
    },
    caughtBy: "leave nothing where the program was interrupted"
  },
  {
    defence: "a small file is read while the session opens its own",
    changes: {
      "packages/core/src/internal/session/files/directFiles.ts": [[
        "const opened = yield* handed.begin(operation, path, options)\n      const bytes = yield* content\n",
        "const bytes = yield* content\n      const opened = yield* handed.begin(operation, path, options)\n"
      ]]
    },
    caughtBy: "are opened while a file of this machine is read"
  },
  {
    defence: "what is read while the session opens its own is counted",
    changes: {
      "packages/core/src/internal/session/files/writing.ts": [["metrics.writtenBytes(bytes)", "Effect.void"]]
    },
    caughtBy: "are opened while a file of this machine is read"
  },
  {
    defence: "so many files of a session are written at a time",
    changes: {
      "packages/platform-node/src/internal/server/sessions/handedFiles.ts": [[
        "this.#writing.size >= maxFiles",
        "this.#writing.size < 0"
      ]]
    },
    caughtBy: "many at a time are all written"
  },
  {
    defence: "nothing is left of what was given up",
    changes: { [`${agent}/fileStreams.ts`]: [["      file.abort()\n      throw error", "      throw error"]] },
    caughtBy: "'no isolation' are written in every mode"
  }
]
