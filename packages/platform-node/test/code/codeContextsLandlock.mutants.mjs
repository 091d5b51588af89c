/** What `codeContextsLandlock.test.ts` watches over, broken on purpose. */

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "kernels need no sockets",
    changes: {
      "packages/core/src/internal/session/channels/pythonDriver.ts": [[
        "opened(lambda: os.mkfifo(\"calls.new\", 0o600), \"named pipes\")\n",
        "opened(lambda: __import__(\"socket\").socket(1, 1), \"sockets\")\nos.mkfifo(\"calls.new\", 0o600)\n"
      ]]
    },
    caughtBy: "contexts end with their scope, a restart ends a run, and other languages are refused"
  }
]
