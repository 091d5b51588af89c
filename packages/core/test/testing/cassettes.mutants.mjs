/** What `cassettes.test.ts` watches over, each broken on purpose. */

const cassette = "packages/core/src/internal/testing/cassette"
const replay = "answers as the backend did, without it, and is used up"
const clean = "has no secrets, and is the same for the same program"
const misses = "that has no answer is died of, with what was asked and what comes next"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "fields that are secret are replaced",
    changes: { [`${cassette}/aliases.ts`]: [["if (secretFields.has(name)) {", "if (secretFields.has(key + name)) {"]] },
    caughtBy: clean
  },
  {
    defence: "secrets are replaced wherever they stand",
    changes: { [`${cassette}/aliases.ts`]: [["done.replaceAll(form, alias)", "done"]] },
    caughtBy: clean
  },
  {
    defence: "the key is a secret",
    changes: {
      [`${cassette}/recorder.ts`]: [["request.headers[\"authorization\"]?.replace(/^Bearer /, \"\") ?? \"\"", "\"\""]]
    },
    caughtBy: clean
  },
  {
    defence: "ids of requests are the same in every recording",
    changes: { [`${cassette}/aliases.ts`]: [["name === \"requestid\"", "name === \"\""]] },
    caughtBy: clean
  },
  {
    defence: "ids that the SDK makes up are no part of a request",
    changes: {
      [`${cassette}/requests.ts`]: [[
        "return { point, request: withoutIds(plain, ids), ids }",
        "return { point, request: plain, ids }"
      ]]
    },
    caughtBy: clean
  },
  {
    defence: "a reply has the ids of its request",
    changes: {
      [`${cassette}/player.ts`]: [["requests.withIds(reply.body, normal.ids)", "requests.withIds(reply.body, [])"]]
    },
    caughtBy: replay
  },
  {
    defence: "equal requests are answered in order",
    changes: { [`${cassette}/player.ts`]: [["this.#left.findIndex((entry)", "this.#left.findLastIndex((entry)"]] },
    caughtBy: replay
  },
  {
    defence: "sizes are those of what stands in the place of secrets",
    changes: {
      [`${cassette}/recorder.ts`]: [["withSizes(entry, hidden) : hidden", "withSizes(hidden, hidden) : hidden"]]
    },
    caughtBy: replay
  },
  {
    defence: "a miss is died of",
    changes: {
      "packages/core/src/internal/testing/cassettes.ts": [[
        "first === undefined ? Effect.void : Effect.die(first)",
        "first === undefined ? Effect.void : Effect.void"
      ]]
    },
    caughtBy: misses
  },
  {
    defence: "what is asked for must be what was recorded",
    changes: { [`${cassette}/player.ts`]: [[" && requests.keyOf(entry.request) === key", ""]] },
    caughtBy: misses
  },
  {
    defence: "failures are recorded",
    changes: { [`${cassette}/recorder.ts`]: [["{ failure: error.reason, code", "{ failure: \"Unreachable\", code"]] },
    caughtBy: "has the failures that a program met"
  }
]
