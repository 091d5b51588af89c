/** What `contextsClient.test.ts` watches over, each broken on purpose. */

const core = "packages/core/src/internal"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a sync of all contexts waits for those of the session alone",
    changes: {
      [`${core}/session/sessionContexts.ts`]: [["if (mounts !== undefined || listed", "if (listed"]]
    },
    caughtBy: "of all contexts does not wait for one that is none of the session's"
  },
  {
    defence: "the success of an earlier sync confirms nothing",
    changes: {
      [`${core}/session/sessionContexts.ts`]: [["return items.filter((item) => this.#isNew(item))", "return items"]]
    },
    caughtBy: "is not confirmed by the success of an earlier one"
  },
  {
    defence: "a sync that is expected and not listed is no success",
    changes: {
      [`${core}/session/sessionContexts.ts`]: [["isStrict: true", "isStrict: false"]]
    },
    caughtBy: "that the server does not list is not confirmed"
  },
  {
    defence: "a sync that failed is a failure",
    changes: {
      [`${core}/session/sessionContexts.ts`]: [["({ status }) => status === \"Failed\")", "() => false)"]]
    },
    caughtBy: "that the server reports as failed is a failure"
  },
  {
    defence: "a session without its content is deleted",
    changes: {
      "packages/core/src/Agb.ts": [["() => supervisor.discard(session.sessionId)", "() => Effect.void"]]
    },
    caughtBy: "whose content does not arrive is deleted, and nobody gets it"
  },
  {
    defence: "a session that was not saved is not deleted",
    changes: {
      "packages/core/src/Agb.ts": [["() => deleteUnsaved,", "() => true,"]]
    },
    caughtBy: "that was not saved is not deleted, also when only its id is known"
  },
  {
    defence: "presigned URLs are encrypted",
    changes: {
      [`${core}/session/contextFiles.ts`]: [["parseSecure(url, \"http\") === undefined", "url === \"\""]]
    },
    caughtBy: "is not spoken to in the clear"
  },
  {
    defence: "a reply of storage is not quoted",
    changes: {
      [`${core}/session/contextFiles.ts`]: [["return visible(found?.[1] ?? \"\")", "return visible(text)"]]
    },
    caughtBy: "is told no key, and its URLs are in no error"
  },
  {
    defence: "a stream is sent once",
    changes: {
      [`${core}/session/contextFiles.ts`]: [[
        "return withDeadline(target, this.#send(target, { _tag: \"Stream\", stream, size }, contentType))",
        "return withDeadline(target, Effect.retry(this.#send(target, { _tag: \"Stream\", stream, size }, contentType), { times: 1 }))"
      ]]
    },
    caughtBy: "is asked again for what can be repeated, and not for a stream"
  },
  {
    defence: "a file is as long as announced",
    changes: {
      [`${core}/session/contextFiles.ts`]: [["Number(announced) === received", "Number(announced) >= received"]]
    },
    caughtBy: "that sends less than it announced is not believed"
  }
]
