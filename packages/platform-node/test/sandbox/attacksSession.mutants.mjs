/** What `attacksSession.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const bwrap = `${sandbox}/confine/bwrap.ts`
const launch = `${sandbox}/confine/launchSpec.ts`
const restrictions = `${sandbox}/confine/rlimits.ts`
const unshare = `${sandbox}/confine/unshare.ts`
const contents = `${sandbox}/confine/rootfs.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "bwrap: a network of its own",
    changes: { [bwrap]: [["[\"--unshare-net\"]", "[]"]] },
    caughtBy: "bwrap.*net namespace of its own"
  },
  {
    defence: "bwrap: processes of its own",
    changes: { [bwrap]: [["\"--unshare-pid\", ", ""]] },
    caughtBy: "bwrap.*pid namespace of its own"
  },
  {
    defence: "bwrap: processes of the host out of sight",
    changes: { [bwrap]: [["\"--unshare-pid\", ", ""]] },
    caughtBy: "bwrap.*sees no process of the host"
  },
  {
    defence: "bwrap: IPC of its own",
    changes: { [bwrap]: [["\"--unshare-ipc\", ", ""]] },
    caughtBy: "bwrap.*ipc namespace of its own"
  },
  {
    defence: "bwrap: a host name of its own",
    changes: { [bwrap]: [["\"--unshare-uts\", ", ""], ["\"--hostname\", \"sandbox\", ", ""]] },
    caughtBy: "bwrap.*uts namespace of its own"
  },
  {
    defence: "bwrap: started as a user that owns nothing",
    changes: {
      [launch]: [[
        "descriptors,\n    cwd: \"/\",\n    uid: how.entry === \"dropped\" ? outer : undefined",
        "descriptors,\n    cwd: \"/\",\n    uid: undefined"
      ]]
    },
    caughtBy: "bwrap \\(dropped\\) runs as a user without rights",
    only: "root"
  },
  {
    defence: "a user id for each session",
    changes: { [`${sandbox}/confine/hostIdentity.ts`]: [["range.first + randomInt(range.count)", "range.first"]] },
    caughtBy: "has a user id of its own",
    only: "root"
  },
  {
    defence: "root given up inside",
    changes: {
      [launch]: [[
        "uid: how.entry === \"root\" ? outer : uidInNamespace",
        "uid: how.entry === \"root\" ? 0 : uidInNamespace"
      ]]
    },
    caughtBy: "\\(root\\) runs as a user without rights",
    only: "root"
  },
  {
    defence: "capabilities given up by root",
    changes: { [restrictions]: [["\"--bounding-set=-all\"", "\"--bounding-set=-sys_admin\""]] },
    caughtBy: "\\(root\\) has no capability",
    only: "root"
  },
  {
    defence: "bwrap: capabilities dropped",
    changes: { [bwrap]: [["\"--cap-drop\", \"ALL\"", "\"--cap-add\", \"ALL\""]] },
    caughtBy: "bwrap.*has no capability",
    only: "root"
  },
  {
    defence: "bwrap of an ordinary user: capabilities dropped, there and after it",
    changes: {
      [bwrap]: [["\"--cap-drop\", \"ALL\"", "\"--cap-add\", \"ALL\""]],
      [restrictions]: [["? [\"setpriv\", ...withoutCapabilities, \"--ambient-caps=-all\"]", "? []"]]
    },
    caughtBy: "bwrap.*has no capability",
    only: "nobody"
  },
  {
    defence: "unshare: no new privileges",
    changes: {
      [restrictions]: [["\"--no-new-privs\", ", ""]],
      [unshare]: [["|| perl === undefined) return []", "|| perl !== undefined) return []"], [
        "\"--no-new-privs\", ",
        ""
      ]]
    },
    caughtBy: "unshare.*gains nothing from a setuid program"
  },
  {
    defence: "bwrap: system calls filtered",
    changes: { [bwrap]: [["[\"--seccomp\", `${firstFile + files.length}`]", "[]"]] },
    caughtBy: "bwrap.*filter on its system calls"
  },
  {
    defence: "unshare: system calls filtered",
    changes: { [unshare]: [["|| perl === undefined) return []", "|| perl !== undefined) return []"]] },
    caughtBy: "unshare.*filter on its system calls"
  },
  {
    defence: "no user namespace inside",
    changes: {
      [bwrap]: [["how.entry !== \"root\" && how.disableUserns", "false"]],
      [`${sandbox}/confine/seccomp.ts`]: [["165, 166, 155, 161, 272, 308,", "165, 166, 155, 161, 308,"], [
        "const CLONE_NEWUSER = 0x10000000",
        "const CLONE_NEWUSER = 0"
      ]]
    },
    caughtBy: "bwrap.*makes no user namespace of its own"
  },
  {
    defence: "a terminal session of its own",
    changes: {
      [bwrap]: [["\"--new-session\", ", ""]],
      [`${sandbox}/process/spawn.cjs`]: [["detached: true,", "detached: false,"]],
      [`${sandbox}/process/forkServerClient.ts`]: [["detached: true,", "detached: false,"]]
    },
    caughtBy: "bwrap.*shares no terminal session"
  },
  {
    defence: "bwrap: the root directory read-only",
    changes: { [bwrap]: [["\"--remount-ro\", \"/dev\", \"--remount-ro\", \"/\"", ""]] },
    caughtBy: "bwrap.*writes nowhere but in its own memory"
  },
  {
    defence: "nothing of the host's /var",
    changes: {
      [contents]: [
        [", [\"/tmp\", \"/var/tmp\"]]", "]"],
        ["[folder, agentInside],", "[folder, agentInside], [\"/var\", \"/var\"],"],
        ["\"/var/cache/fontconfig\"", ""]
      ]
    },
    caughtBy: "bwrap.*finds no file of the host's"
  },
  {
    defence: "the environment made from nothing",
    changes: {
      [`${sandbox}/process/spawn.cjs`]: [[
        "env: launch.environment,",
        "env: { ...process.env, ...launch.environment },"
      ]],
      [`${sandbox}/process/forkServerClient.ts`]: [["env: {},", "env: process.env,"]]
    },
    caughtBy: "environment made from nothing"
  },
  {
    defence: "the number of processes",
    changes: { [restrictions]: [["`ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}`,", ""]] },
    caughtBy: "starts no more processes than it may"
  },
  {
    defence: "the memory of a process",
    changes: { [restrictions]: [["`ulimit -d ${Math.ceil(memoryBytes / 1024)}`,", ""]] },
    caughtBy: "bounds the data of a process"
  },
  {
    defence: "the memory of a session",
    changes: {
      [`${sandbox}/sandbox.ts`]: [["options.isolation.memory?.limit(", "({} as Isolation).memory?.limit("]]
    },
    caughtBy: "bwrap.*all processes together no more memory"
  },
  {
    defence: "the size of a file",
    changes: { [restrictions]: [["`ulimit -f ${Math.ceil(workspaceBytes / 512)}`,", ""]] },
    caughtBy: "and the size of a file"
  },
  {
    defence: "no core dumps",
    changes: { [restrictions]: [["\"ulimit -c 0\",", "\"ulimit -c unlimited || :\","]] },
    caughtBy: "leaves no core"
  },
  {
    defence: "bwrap: the size of the workspace",
    changes: { [bwrap]: [["\"--size\", `${bytes}`, ", ""]] },
    caughtBy: "bwrap.*bounds all files of a directory together"
  },
  {
    defence: "unshare: the size of the workspace",
    changes: { [unshare]: [["`size=${bytes}`, ", ""]] },
    caughtBy: "unshare.*bounds all files of a directory together"
  },
  {
    defence: "unshare: a network of its own",
    changes: { [unshare]: [["[\"--net\"]", "[]"]] },
    caughtBy: "unshare.*net namespace of its own",
    only: "root" // for anyone else the level does not start without it, and so is not offered
  },
  {
    defence: "unshare: IPC of its own",
    changes: { [unshare]: [["\"--ipc\", ", ""]] },
    caughtBy: "unshare.*ipc namespace of its own"
  },
  {
    defence: "unshare: the root directory read-only",
    changes: { [unshare]: [["\"mount -o remount,bind,ro,nosuid,nodev /\",", ""]] },
    caughtBy: "unshare.*writes nowhere but in its own memory"
  },
  {
    defence: "unshare: the directories of the host read-only",
    changes: { [unshare]: [["\"rbind\",\n      \"ro\",", "\"rbind\","]] },
    caughtBy: "unshare.*writes nowhere but in its own memory",
    only: "nobody"
  },
  {
    defence: "unshare: no way back to the old root",
    changes: { [unshare]: [["\"umount -l .\",\n", ""]] },
    caughtBy: "unshare.*finds no file of the host's",
    only: "root" // as above
  }
]
