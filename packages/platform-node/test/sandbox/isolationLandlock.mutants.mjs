/** What `isolationLandlock.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const landlock = `${sandbox}/confine/landlock.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "landlock: files outside",
    changes: { [landlock]: [["must(syscall(446, $set, 0), 'restrict_self');", ""]] },
    caughtBy: "as the user who runs the tests.* keeps from reading outside"
  },
  {
    defence: "landlock: what is read is not written",
    changes: {
      [landlock]: [["\"/etc/hosts\", \"/proc\"]", "\"/etc/hosts\", \"/proc\", \"/tmp\"]"], [
        "execute | readFile | readFolder }",
        "everything & ~(1 << 15) }"
      ]]
    },
    caughtBy: "as the user who runs the tests.* keeps from writing outside"
  },
  {
    defence: "landlock: no sockets",
    changes: { [landlock]: [["sockets: options.network === \"host\"", "sockets: true"]] },
    caughtBy: "as the user who runs the tests.* keeps from the network"
  },
  {
    defence: "landlock: no signals to others",
    changes: { [landlock]: [["pack 'QQQ', 65535, $net, 3", "pack 'QQQ', 65535, $net, 0"]] },
    caughtBy: "as the user who runs the tests.* keeps from other processes",
    only: "nobody"
  },
  {
    defence: "landlock: nothing done to other processes",
    changes: { [landlock]: [["others: false", "others: true"]] },
    caughtBy: "as the user who runs the tests.* keeps from other processes"
  },
  {
    defence: "landlock: no memory and queues of the machine",
    changes: { [landlock]: [["others: false", "others: true"]] },
    caughtBy: "as the user who runs the tests.* keeps from memory and queues"
  },
  {
    defence: "landlock: no privileges",
    changes: { [landlock]: [["  `  must(syscall(${prctl}, 22, 2, $p, 0, 0), 'seccomp');`,\n", ""]] },
    caughtBy: "as the user who runs the tests.* keeps from privileges"
  },
  {
    defence: "landlock: a user id of its own",
    changes: { [landlock]: [["uid: how.entry === \"dropped\" ? options.uid : undefined", "uid: undefined"]] },
    caughtBy: "as the user who runs the tests.* keeps from privileges",
    only: "root"
  },
  {
    defence: "landlock: attributes of files",
    changes: {
      [`${sandbox}/confine/seccomp.ts`]: [[
        "  ...[...arch.xattr, ...recentXattr].flatMap((number) => denyCall(number, EOPNOTSUPP)),\n",
        ""
      ]]
    },
    caughtBy: "as a user without rights.* keeps from writing outside",
    only: "root"
  },
  {
    defence: "landlock: the mark stays",
    changes: { [`${sandbox}/confine/seccomp.ts`]: [["  ...denyMarking(arch),\n", ""]] },
    caughtBy: "as the user who runs the tests.* keeps from shedding its mark"
  },
  {
    defence: "landlock: sessions do not take each other's processes",
    changes: { [landlock]: [["how.limitsProcesses ? sessionsAtTheirLimit : 1", "1"]] },
    caughtBy: "as a user without rights.* beside two",
    only: "root"
  },
  {
    defence: "landlock: so many processes",
    changes: {
      [`${sandbox}/memory/watchdog.ts`]: [[
        "session.processes !== undefined && threads > session.processes",
        "threads < 0"
      ]]
    },
    caughtBy: "as a user without rights.* beside two",
    only: "root"
  }
]
