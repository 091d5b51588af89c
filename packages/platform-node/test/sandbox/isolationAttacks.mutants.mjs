/** What `isolationAttacks.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "nothing inherited through what starts sandboxes",
    changes: {
      [`${sandbox}/process/spawn.cjs`]: [[
        "const inherited = inheritedFds()",
        "const inherited = inheritedFds().slice(0, 0)"
      ]]
    },
    caughtBy: "finding a descriptor of the host"
  },
  {
    defence: "asynchronous requests, of which there are so many for all",
    changes: { [`${sandbox}/confine/seccomp.ts`]: [["  ...denyCall(arch.asyncIo, ENOSYS),\n", ""]] },
    caughtBy: "as the user who runs the tests.* taking what there is for all"
  },
  {
    defence: "watchers, of which a user has so many",
    changes: { [`${sandbox}/confine/rlimits.ts`]: [["max_inotify_instances: 16", "max_inotify_instances: 120"]] },
    caughtBy: "as a user without rights.* taking what there is for all",
    only: "root"
  },
  {
    defence: "pseudo terminals, of which there are so many for all",
    changes: { [`${sandbox}/confine/unshare.ts`]: [["maxTerminals = 64", "maxTerminals = 4096"]] },
    caughtBy: "as the user who runs the tests.* taking what there is for all"
  },
  {
    defence: "bwrap: its command line tells nothing",
    changes: {
      [`${sandbox}/confine/bwrap.ts`]: [["...[\"--args\", `${settingsDescriptor}`, \"--\"]", "...settings, \"--\""]]
    },
    caughtBy: "as the user who runs the tests.* reading the host's environment"
  }
]
