/** What `terminals.test.ts` watches over, each broken on purpose. */

const channel = "packages/core/src/internal/session/channels/channel.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "after a write of unknown outcome the session is asked how much has arrived",
    changes: { [channel]: [["        this.#written = undefined\n", ""]] },
    caughtBy: "what is written after a write of unknown outcome goes where the session says"
  },
  {
    defence: "a piece that was cut off is read again",
    changes: { [channel]: [["if (isCut) this.#mostBytes >>= 1", "if (isCut) this.#read += Number(size)"]] },
    caughtBy: "output that is cut off is asked for in smaller pieces, and none of it is lost"
  },
  {
    defence: "a reply has as many bytes as it says",
    changes: { [channel]: [["!isCut && size !== String(bytes.length)", "false"]] },
    caughtBy: "nonsense is a malformed reply, and what is missing is named"
  },
  {
    defence: "a signal that the session does not know is an argument that is wrong",
    changes: { [channel]: [["reply.words[0] === \"unknown\" && unknown", "false && unknown"]] },
    caughtBy: "nonsense is a malformed reply, and what is missing is named"
  },
  {
    defence: "a terminal that has nothing to tell is not asked at once again",
    changes: {
      [channel]: [[
        "control.paced(requests.send(this.#target, request), isIdle)",
        "requests.send(this.#target, request)"
      ]]
    },
    caughtBy: "a session that does not wait is asked once a second"
  }
]
