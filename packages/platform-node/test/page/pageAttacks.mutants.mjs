/** What `pageAttacks.test.ts` watches over, each broken on purpose. */

const page = "packages/platform-node/page"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the bound of the height that a frame asks for",
    changes: {
      [`${page}/parts/frame.tsx`]: [[
        "Math.min(highest, Math.max(lowest, Math.ceil(height)))",
        "Math.max(lowest, Math.ceil(height))"
      ]]
    },
    caughtBy: "reach neither the page nor the server"
  },
  {
    defence: "texts are no markup on a page",
    changes: {
      [`${page}/files/content.tsx`]: [[
        "aria-label={path}>{text}</pre>",
        "aria-label={path} dangerouslySetInnerHTML={{ __html: text }} />"
      ]]
    },
    caughtBy: "by texts stay texts"
  },
  {
    defence: "read-only pages show nothing that steers",
    changes: {
      [`${page}/state/sessionModel.ts`]: [[
        "this.session.current?.access === \"steer\" && ",
        "this.session.current !== undefined && "
      ]]
    },
    caughtBy: "by somebody who may only read"
  }
]
