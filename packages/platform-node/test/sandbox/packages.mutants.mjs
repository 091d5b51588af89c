/** What `packages.test.ts` watches over, each broken on purpose. */

const plan = "packages/platform-node/src/internal/sandbox/launchPlan.ts"
const kernels = "packages/platform-node/agent/kernels/python"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/lists.mjs").Mutant>} */
export default [
  {
    defence: "%pip that fails fails the run",
    changes: { [`${kernels}/kernel_packages.py`]: [["if status != 0:", "if False:"]] },
    caughtBy: "installs into the session, with the Python of the system"
  },
  {
    defence: "packages that a command installs are seen by a running kernel",
    changes: { [`${kernels}/kernel.py`]: [["        add_own_packages()\n", ""]] },
    caughtBy: "installs into the session, with the Python of the system"
  },
  {
    defence: "npm -g installs into the session",
    changes: { [plan]: [["  NPM_CONFIG_PREFIX: `${folders.home}/.local`,\n", ""]] },
    caughtBy: "are installed by npm -g, for running code and for commands"
  },
  {
    defence: "R installs into the session",
    changes: { [plan]: [["  R_LIBS_USER: folders.rLibrary,\n", ""]] },
    caughtBy: "are installed by install.packages, for running code and for commands"
  }
]
