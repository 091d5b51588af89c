/** What `processClients.test.ts` watches over, each broken on purpose. */

const scripts = "packages/core/src/internal/session/processes/scripts.ts"
const processes = "packages/core/src/internal/session/processes/processes.ts"
const follow = "packages/core/src/internal/session/processes/follow.ts"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a claim can be made once",
    changes: {
      [scripts]: [
        ["mkdir \"$dir/claim\" 2>/dev/null ||", "mkdir -p \"$dir/claim\" 2>/dev/null ||"],
        ["if ! [ -e \"$dir/claim\" ]; then", "if true; then"],
        ["  read -r _ <&9; exec 9<&-\n", "  exec 9<&-\n"]
      ]
    },
    caughtBy: "two programs start the same key at the same moment, and it runs once"
  },
  {
    defence: "a process begins only when the call that started it has been answered",
    changes: {
      [processes]: [["start(origin, operation, key, checked, true)", "start(origin, operation, key, checked)"]]
    },
    caughtBy: "a program is killed while it starts processes, and the next one finds or starts each, and it runs once"
  },
  {
    defence: "a signal is sent once",
    changes: { [scripts]: [["|| { echo \"agb killed\"; exit 0; }", "|| true"]] },
    caughtBy: "replies that are lost or cut neither start, read, signal nor write anything twice"
  },
  {
    defence: "input is written once",
    changes: { [scripts]: [["base64 -d | tail -c +$((size - offset + 1)) >>stdin", "base64 -d >>stdin"]] },
    caughtBy: "replies that are lost or cut neither start, read, signal nor write anything twice"
  },
  {
    defence: "a start that arrives after the end of its scope runs nothing",
    changes: { [scripts]: [["if mkdir claim 2>/dev/null; then", "if false; then"]] },
    caughtBy: "a start that arrives after the end of its scope runs nothing"
  },
  {
    defence: "a block begins before the offset",
    changes: { [follow]: [["bytes.subarray(offset % scripts.blockSize)", "bytes"]] },
    caughtBy: "a reader is killed, and the next one goes on with the very next byte"
  }
]
