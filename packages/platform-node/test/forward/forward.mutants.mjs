/** What `forward.test.ts` watches over, each broken on purpose. */

const forward = "packages/platform-node/src/internal/forward/forward.ts"
const headers = "packages/platform-node/src/internal/forward/forwardHeaders.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "a forwarded port passes on nothing but paths",
    changes: { [forward]: [["return sendText(response, 400, notPathText)", "void notPathText"]] },
    caughtBy: "takes no target that is no path, and goes on"
  },
  {
    defence: "a forwarded port answers under its own name alone (DNS rebinding)",
    changes: { [forward]: [["!isOwn(headers.host) || ", ""]] },
    caughtBy: "is for its own pages and programs alone"
  },
  {
    defence: "a forwarded port answers its own pages alone",
    changes: { [forward]: [["headers.origin !== undefined && ", "headers.origin === \"\" && "]] },
    caughtBy: "is for its own pages and programs alone"
  },
  {
    defence: "a forwarded port listens on loopback",
    changes: { [forward]: [["const host = \"127.0.0.1\"", "const host = \"0.0.0.0\""]] },
    caughtBy: "is for its own pages and programs alone"
  },
  {
    defence: "what went through a forwarded port ends with it",
    changes: { [forward]: [["    for (const one of this.#open) one.destroy()\n", ""]] },
    caughtBy: "ends at once with its scope, with what goes through it"
  },
  {
    defence: "redirects do not tell the link of a forwarded port",
    changes: { [headers]: [["const reference = target.localReference(value, path)", "const reference = value"]] },
    caughtBy: "in redirects, which lead to the port"
  },
  {
    defence: "cookies do not tell the link of a forwarded port",
    changes: { [headers]: [["    if (target.tells(header)) return undefined\n", ""]] },
    caughtBy: "in every header, also before a browser"
  },
  {
    defence: "a session does not get the cookies of other programs through a forwarded port",
    changes: { [headers]: [["this.#names.has(pair.split(\"=\")[0] ?? \"\")", "pair !== \"\""]] },
    caughtBy: "in cookies, and gives a session none of other programs"
  }
]
