/** What `attacksLinks.test.ts` watches over, each broken on purpose. */

const gateway = `packages/platform-node/src/internal/server/routes/linkGateway.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a link into a session: what no reply is made of",
    changes: {
      [gateway]: [["response.writeHead(statusCode, [", "response.writeHead(statusCode, answer.statusMessage, ["]]
    },
    caughtBy: "what no reply is made of",
    fails: "fetch failed"
  },
  {
    defence: "a link into a session: headers between neighbours",
    changes: { [gateway]: [["!betweenNeighbours.test(pair[0]) && ", ""]] },
    caughtBy: "what no reply is made of"
  },
  {
    defence: "a link into a session: cookies of other links",
    changes: { [gateway]: [[" && !isAboutOthers(pair)", ""]] },
    caughtBy: "what no reply is made of"
  }
]
