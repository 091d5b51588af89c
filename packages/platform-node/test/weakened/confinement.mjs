/** Defences around a sandbox: namespaces, users, capabilities, system calls, limits. */

const sandbox = "packages/platform-node/src/internal/sandbox"
const agentWire = "packages/platform-node/src/internal/agentWire"
const bwrap = `${sandbox}/confine/bwrap.ts`
const contents = `${sandbox}/confine/rootfs.ts`
const launch = `${sandbox}/confine/launchSpec.ts`
const restrictions = `${sandbox}/confine/rlimits.ts`
const unshare = `${sandbox}/confine/unshare.ts`
const cgroup = `${sandbox}/memory/cgroup.ts`
const landlock = `${sandbox}/confine/landlock.ts`

const seen = "packages/platform-node/test/sandbox/attacksSession.test.ts"
const agents = "packages/platform-node/test/agent/attacksAgent.test.ts"
const whole = "packages/platform-node/test/sandbox/sandbox.test.ts"
const groups = "packages/platform-node/test/sandbox/memoryCgroup.test.ts"
const landlocked = "packages/platform-node/test/sandbox/isolationLandlock.test.ts"

/** @type {ReadonlyArray<import("./weakening.js").Weakening>} */
export default [
  {
    defence: "bwrap: a network of its own",
    changes: { [bwrap]: [["[\"--unshare-net\"]", "[]"]] },
    caughtBy: [seen, "bwrap.*net namespace of its own"]
  },
  {
    defence: "bwrap: processes of its own",
    changes: { [bwrap]: [["\"--unshare-pid\", ", ""]] },
    caughtBy: [seen, "bwrap.*pid namespace of its own"]
  },
  {
    defence: "bwrap: processes of the host out of sight",
    changes: { [bwrap]: [["\"--unshare-pid\", ", ""]] },
    caughtBy: [seen, "bwrap.*sees no process of the host"]
  },
  {
    defence: "bwrap: IPC of its own",
    changes: { [bwrap]: [["\"--unshare-ipc\", ", ""]] },
    caughtBy: [seen, "bwrap.*ipc namespace of its own"]
  },
  {
    defence: "bwrap: a host name of its own",
    changes: { [bwrap]: [["\"--unshare-uts\", ", ""], ["\"--hostname\", \"sandbox\", ", ""]] },
    caughtBy: [seen, "bwrap.*uts namespace of its own"]
  },
  {
    defence: "bwrap: started as a user that owns nothing",
    changes: {
      [launch]: [[
        "descriptors,\n    cwd: \"/\",\n    uid: how.entry === \"dropped\" ? outer : undefined",
        "descriptors,\n    cwd: \"/\",\n    uid: undefined"
      ]]
    },
    caughtBy: [seen, "bwrap \\(dropped\\) runs as a user without rights"],
    only: "root"
  },
  {
    defence: "a user id for each session",
    changes: { [`${sandbox}/confine/hostIdentity.ts`]: [["range.first + randomInt(range.count)", "range.first"]] },
    caughtBy: [seen, "has a user id of its own"],
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
    caughtBy: [seen, "\\(root\\) runs as a user without rights"],
    only: "root"
  },
  {
    defence: "capabilities given up by root",
    changes: { [restrictions]: [["\"--bounding-set=-all\"", "\"--bounding-set=-sys_admin\""]] },
    caughtBy: [seen, "\\(root\\) has no capability"],
    only: "root"
  },
  {
    defence: "bwrap: capabilities dropped",
    changes: { [bwrap]: [["\"--cap-drop\", \"ALL\"", "\"--cap-add\", \"ALL\""]] },
    caughtBy: [seen, "bwrap.*has no capability"]
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
    caughtBy: [seen, "unshare.*gains nothing from a setuid program"]
  },
  {
    defence: "bwrap: system calls filtered",
    changes: { [bwrap]: [["[\"--seccomp\", `${firstDescriptor + files.length}`]", "[]"]] },
    caughtBy: [seen, "bwrap.*filter on its system calls"]
  },
  {
    defence: "unshare: system calls filtered",
    changes: { [unshare]: [["|| perl === undefined) return []", "|| perl !== undefined) return []"]] },
    caughtBy: [seen, "unshare.*filter on its system calls"]
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
    caughtBy: [seen, "bwrap.*makes no user namespace of its own"]
  },
  {
    defence: "a terminal session of its own",
    changes: {
      [bwrap]: [["\"--new-session\", ", ""]],
      [`${sandbox}/process/spawn.cjs`]: [["detached: true,", "detached: false,"]],
      [`${sandbox}/process/forkServerClient.ts`]: [["detached: true,", "detached: false,"]]
    },
    caughtBy: [seen, "bwrap.*shares no terminal session"]
  },
  {
    defence: "bwrap: the root directory read-only",
    changes: { [bwrap]: [["\"--remount-ro\", \"/dev\", \"--remount-ro\", \"/\"", ""]] },
    caughtBy: [seen, "bwrap.*writes nowhere but in its own memory"]
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
    caughtBy: [seen, "bwrap.*finds no file of the host's"]
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
    caughtBy: [seen, "environment made from nothing"]
  },
  {
    defence: "nothing inherited through what starts sandboxes",
    changes: {
      [`${sandbox}/process/spawn.cjs`]: [[
        "const inherited = inheritedFds()",
        "const inherited = inheritedFds().slice(0, 0)"
      ]]
    },
    caughtBy: ["packages/platform-node/test/sandbox/isolationAttacks.test.ts", "finding a descriptor of the host"]
  },
  {
    defence: "the number of processes",
    changes: { [restrictions]: [["`ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}`,", ""]] },
    caughtBy: [seen, "starts no more processes than it may"]
  },
  {
    defence: "the memory of a process",
    changes: { [restrictions]: [["`ulimit -d ${Math.ceil(memoryBytes / 1024)}`,", ""]] },
    caughtBy: [seen, "bounds the data of a process"]
  },
  {
    defence: "the memory of a session",
    changes: {
      [`${sandbox}/sandbox.ts`]: [["options.isolation.memory?.limit(", "({} as Isolation).memory?.limit("]]
    },
    caughtBy: [seen, "bwrap.*all processes together no more memory"]
  },
  {
    defence: "the size of a file",
    changes: { [restrictions]: [["`ulimit -f ${Math.ceil(workspaceBytes / 512)}`,", ""]] },
    caughtBy: [seen, "and the size of a file"]
  },
  {
    defence: "no core dumps",
    changes: { [restrictions]: [["\"ulimit -c 0\",", "\"ulimit -c unlimited || :\","]] },
    caughtBy: [seen, "leaves no core"]
  },
  {
    defence: "bwrap: the size of the workspace",
    changes: { [bwrap]: [["\"--size\", `${bytes}`, ", ""]] },
    caughtBy: [seen, "bwrap.*bounds all files of a directory together"]
  },
  {
    defence: "unshare: the size of the workspace",
    changes: { [unshare]: [["`size=${bytes}`, ", ""]] },
    caughtBy: [seen, "unshare.*bounds all files of a directory together"]
  },
  {
    defence: "unshare: a network of its own",
    changes: { [unshare]: [["[\"--net\"]", "[]"]] },
    caughtBy: [seen, "unshare.*net namespace of its own"]
  },
  {
    defence: "unshare: IPC of its own",
    changes: { [unshare]: [["\"--ipc\", ", ""]] },
    caughtBy: [seen, "unshare.*ipc namespace of its own"]
  },
  {
    defence: "unshare: the root directory read-only",
    changes: { [unshare]: [["\"mount -o remount,bind,ro,nosuid,nodev /\",", ""]] },
    caughtBy: [seen, "unshare.*writes nowhere but in its own memory"]
  },
  {
    defence: "unshare: the directories of the host read-only",
    changes: { [unshare]: [["\"rbind\",\n      \"ro\",", "\"rbind\","]] },
    caughtBy: [seen, "unshare.*writes nowhere but in its own memory"],
    only: "nobody"
  },
  {
    defence: "unshare: no way back to the old root",
    changes: { [unshare]: [["\"umount -l .\",\n", ""]] },
    caughtBy: [seen, "unshare.*finds no file of the host's"]
  },
  {
    defence: "no memory files where nobody could see them",
    changes: {
      "packages/platform-node/src/internal/sandbox/confine/seccomp.ts": [[
        "...(memoryFiles ? []",
        "...(memoryFiles || others ? []"
      ]]
    },
    caughtBy: [
      "packages/platform-node/test/sandbox/isolation.test.ts",
      "has no memory files where nobody could see them"
    ]
  },
  {
    defence: "death with the host",
    changes: { [bwrap]: [["\"--die-with-parent\", ", ""]] },
    caughtBy: [whole, "are gone, whether their agents run or stand still"]
  },
  {
    defence: "control groups, version 2: no swap beside the memory",
    changes: { [cgroup]: [["[\"memory.swap.max\", \"0\"], ", ""]] },
    caughtBy: [groups, "bounds memory and swap"]
  },
  {
    defence: "control groups, version 2: the kills of the kernel",
    changes: { [cgroup]: [["/^oom_kill (", "/oom ("]] },
    caughtBy: [groups, "counts only what the kernel killed"]
  },
  {
    defence: "control groups, version 2: what a dead host left is ended",
    changes: { [cgroup]: [["      killAll(group)\n", ""]] },
    caughtBy: [groups, "of a host that is gone is swept"]
  },
  {
    defence: "control groups, version 2: the limit is required",
    changes: { [cgroup]: [["if (index === 0 || Fs.existsSync(path))", "if (Fs.existsSync(path))"]] },
    caughtBy: [groups, "is refused, and leaves nothing"],
    only: "root"
  },
  {
    defence: "landlock: files outside",
    changes: { [landlock]: [["must(syscall(446, $set, 0), 'restrict_self');", ""]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from reading outside"]
  },
  {
    defence: "landlock: what is read is not written",
    changes: {
      [landlock]: [["\"/etc/hosts\", \"/proc\"]", "\"/etc/hosts\", \"/proc\", \"/tmp\"]"], [
        "execute | readFile | readFolder }",
        "everything & ~(1 << 15) }"
      ]]
    },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from writing outside"]
  },
  {
    defence: "landlock: no sockets",
    changes: { [landlock]: [["sockets: options.network === \"host\"", "sockets: true"]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from the network"]
  },
  {
    defence: "landlock: no signals to others",
    changes: { [landlock]: [["pack 'QQQ', 65535, $net, 3", "pack 'QQQ', 65535, $net, 0"]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from other processes"],
    only: "nobody"
  },
  {
    defence: "landlock: nothing done to other processes",
    changes: { [landlock]: [["others: false", "others: true"]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from other processes"]
  },
  {
    defence: "landlock: no memory and queues of the machine",
    changes: { [landlock]: [["others: false", "others: true"]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from memory and queues"]
  },
  {
    defence: "landlock: no privileges",
    changes: { [landlock]: [["  `  must(syscall(${prctl}, 22, 2, $p, 0, 0), 'seccomp');`,\n", ""]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from privileges"]
  },
  {
    defence: "landlock: a user id of its own",
    changes: { [landlock]: [["uid: how.entry === \"dropped\" ? options.uid : undefined", "uid: undefined"]] },
    caughtBy: [landlocked, "as the user who runs the tests.* keeps from privileges"],
    only: "root"
  },
  {
    defence: "no descriptors left is the end of no session",
    changes: {
      [`${sandbox}/process/forkServer.cjs`]: [[
        "error.code !== \"ERR_INTERNAL_ASSERTION\"",
        "error.code !== \"another\""
      ]]
    },
    caughtBy: ["packages/platform-node/test/server/serverFailures.test.ts", "out of file descriptors"]
  },
  {
    defence: "frames of the agent are bounded",
    changes: {
      [`${agentWire}/frames.ts`]: [["length < 8 || length > maxFrameBytes", "length < 8"]]
    },
    caughtBy: [agents, "a frame without end"]
  },
  {
    defence: "frames of the agent hold so many values",
    changes: { [`${agentWire}/frames.ts`]: [["cost: 2 ** 23", "cost: Infinity"]] },
    caughtBy: [agents, "an answer of a million objects"]
  },
  {
    defence: "frames of the agent are so deep",
    changes: { [`${agentWire}/frames.ts`]: [["depth: 200", "depth: Infinity"]] },
    caughtBy: [agents, "an answer without bottom"]
  },
  {
    defence: "frames of the agent are decoded",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (Either.isLeft(decoded)) return this.end(\"its agent sent a frame that makes no sense\")",
        "if (Either.isLeft(decoded)) return"
      ]]
    },
    caughtBy: [agents, "an answer of another shape"]
  },
  {
    defence: "answers to calls that nobody made",
    changes: {
      [`${sandbox}/channel/connection.ts`]: [[
        "if (!this.#cancelled.has(id)) return this.end(\"its agent answered a call that nobody made\")",
        ""
      ]]
    },
    caughtBy: [agents, "an answer to a call that nobody made"]
  },
  {
    defence: "none only when asked for in words",
    changes: {
      "packages/platform-node/src/internal/sandbox/isolationProbe.ts": [[
        ": firstThatWorks(request)",
        ": Effect.succeed(none)"
      ]]
    },
    caughtBy: ["packages/platform-node/test/sandbox/isolation.test.ts", "is never none unless asked for in words"]
  }
]
