/** What `pageLive.test.ts` watches over, each broken on purpose. */

const page = (name) => `packages/platform-node/src/internal/server/page/${name}.ts`
const timeline = (name) => `packages/platform-node/src/internal/server/timeline/${name}.ts`

const before = "tells what has run before it was opened"
const much = "keeps the newest of much output"
const scripts = "tells what the SDK's scripts do"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what a session displays has no origin",
    changes: {
      [page("access/pageHeaders")]: [["\"sandbox allow-scripts\"", "\"sandbox allow-scripts allow-same-origin\""]]
    },
    caughtBy: "serves what a session displays as HTML"
  },
  {
    defence: "what a session displays loads nothing",
    changes: { [page("access/pageHeaders")]: [["\"connect-src 'none'\"", "\"connect-src *\""]] },
    caughtBy: "serves what a session displays as HTML"
  },
  {
    defence: "the HTML of a notebook has no origin",
    changes: { [page("routes/sessionRoutes")]: [["sentDocument, frameHeaders(host)", "sentDocument"]] },
    caughtBy: "serves what a session displays as HTML"
  },
  {
    defence: "a bounded number of entries",
    changes: { [timeline("timelineLimits")]: [["maxEntries = 500", "maxEntries = 5000"]] },
    caughtBy: "keeps a bounded number of entries"
  },
  {
    defence: "the newest of much output",
    changes: { [timeline("timelineLimits")]: [["text.slice(text.length - length)", "text.slice(0, length)"]] },
    caughtBy: much
  },
  {
    defence: "a reply that is too large is not kept",
    changes: { [timeline("recording")]: [["sizeOfText(reply) > maxEntryBytes", "sizeOfText(reply) > Infinity"]] },
    caughtBy: much
  },
  {
    defence: "a result that is too large is not kept",
    changes: { [timeline("recording")]: [["this.#resultBytes + bytes <= maxEntryBytes", "bytes <= Infinity"]] },
    caughtBy: much
  },
  {
    defence: "what only looks at processes has no entry",
    changes: {
      [timeline("toolEntries")]: [[
        "if (own === \"hidden\") return undefined",
        "if (own === \"hidden\") return codeEntry(\"\", command)"
      ]]
    },
    caughtBy: scripts
  },
  {
    defence: "what the SDK's scripts print is for the SDK",
    changes: { [timeline("replies")]: [["if (isScript && state === \"succeeded\")", "if (exitCode === -1)"]] },
    caughtBy: scripts
  },
  {
    defence: "the traceback of an error is told once",
    changes: {
      [timeline("replies")]: [["outputs: error === null ? outputs : withoutTraceback(outputs, error)", "outputs"]]
    },
    caughtBy: before
  },
  {
    defence: "a page that goes on gets nothing twice",
    changes: { [timeline("timeline")]: [["recording.seq > seq)", "recording.seq > 0)"]] },
    caughtBy: "goes on after a lost connection"
  },
  {
    defence: "what waits for a page that sleeps is bounded",
    changes: { [page("live/livePage")]: [["queueBytes = 2 * 1024 * 1024", "queueBytes = 2 * 1024 * 1024 * 1024"]] },
    caughtBy: "holds nothing up where a page sleeps"
  },
  {
    defence: "what happens is told in batches",
    changes: { [page("live/live")]: [["this.#batch.length > batchLength", "this.#batch.length > 0"]] },
    caughtBy: "tells much at once in few messages"
  },
  {
    defence: "long replies are read off the event loop",
    changes: { [timeline("replies")]: [["reply.text.length > heavyLength", "reply.text.length > Infinity"]] },
    caughtBy: much
  },
  {
    defence: "a page that was behind is told what it has missed",
    changes: { [page("live/live")]: [["changed ?? timeline.recordings)", "changed ?? [])"]] },
    caughtBy: before
  },
  {
    defence: "the id of a request",
    changes: {
      ["packages/platform-node/src/internal/server/routes/apiRoute.ts"]: [[
        "const requestId = context.requestId = crypto",
        "const requestId = crypto"
      ]]
    },
    caughtBy: before
  }
]
