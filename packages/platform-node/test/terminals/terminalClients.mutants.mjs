/** What `terminalClients.test.ts` watches over, each broken on purpose. */

const driver = "packages/core/src/internal/session/channels/pythonDriver.ts"
const channel = "packages/core/src/internal/session/channels/channel.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "input is taken once",
    changes: {
      [driver]: [["    if name != last_write:\n        if offset != received:\n", "    if True:\n        if False:\n"]]
    },
    caughtBy: "replies that are lost or cut neither lose nor repeat a byte, a signal or a start"
  },
  {
    defence: "output is kept until its reader has gone on",
    changes: {
      [driver]: [[
        "    data = bytes(log[:most])\n",
        "    data = bytes(log[:most])\n    del log[:most]\n    base += len(data)\n"
      ]]
    },
    caughtBy: "replies that are lost or cut neither lose nor repeat a byte, a signal or a start"
  },
  {
    defence: "a signal is sent once",
    changes: { [driver]: [["    if name not in signals:\n", "    if True:\n"]] },
    caughtBy: "replies that are lost or cut neither lose nor repeat a byte, a signal or a start"
  },
  {
    defence: "what nobody reads is bounded",
    changes: {
      [driver]: [[
        "    masks = {} if is_full else {fd: select.POLLIN for fd in sources}\n",
        "    masks = {fd: select.POLLIN for fd in sources}\n"
      ]]
    },
    caughtBy: "output that nobody reads holds up the command and stays bounded, and is whole in the end"
  },
  {
    defence: "a read waits inside the session",
    changes: { [driver]: [["    if not log and not is_last and now < until:\n", "    if False:\n"]] },
    caughtBy: "an idle terminal costs neither requests nor processor time"
  },
  {
    defence: "a session without pseudo-terminals is told apart from one that failed",
    changes: { [channel]: [["elif [ -e failed ]; then echo \"agb missing $(cat failed)\"\n", ""]] },
    caughtBy: "a session without pseudo-terminals says so"
  }
]
