/** What `contexts.test.ts` watches over, each broken on purpose. */

const contexts = "packages/platform-node/src/internal/contexts"
const quota = `${contexts}/store/quota.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "the size of a context",
    changes: { [quota]: [["used + bytes > limit", "parent === undefined && used + bytes > limit"]] },
    caughtBy: "are kept while bytes arrive"
  },
  {
    defence: "the size of all contexts",
    changes: { [quota]: [["parent?.take(bytes)", "parent?.adjust(bytes)"]] },
    caughtBy: "are kept while bytes arrive"
  },
  {
    defence: "the files of a context",
    changes: {
      [`${contexts}/store/contextFiles.ts`]: [[
        "this.#files.size + added - gone.length > this.#options.maxFiles",
        "this.#files.size < 0"
      ]]
    },
    caughtBy: "are kept while bytes arrive"
  },
  {
    defence: "what is still being written counts",
    changes: {
      [`${contexts}/store/stagedFile.ts`]: [
        ["this.#quota.take(chunk.length)\n    this.#size", "this.#size"],
        [
          "    if (isDurable) await this.#file.datasync()",
          "    this.#quota.take(this.#size)\n    if (isDurable) await this.#file.datasync()"
        ]
      ]
    },
    caughtBy: "cannot be exceeded by many uploads at once"
  },
  {
    defence: "what did not become a file counts no more",
    changes: { [`${contexts}/store/stagedFile.ts`]: [["this.#quota.adjust(-this.#size)", ""]] },
    caughtBy: "cannot be exceeded by many uploads at once"
  },
  {
    defence: "temporary files of a killed runtime are removed",
    changes: { [`${contexts}/store/contextStore.ts`]: [["    await sweepTemporary(path)\n", ""]] },
    caughtBy: "leaves temporary files, which the next one removes"
  }
]
