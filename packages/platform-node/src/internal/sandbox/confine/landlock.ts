/**
 * A sandbox by Landlock, without namespaces: it sees the file system and the process list of the machine but can access
 * only what is allowed. perl, which every Debian has, makes the system calls that no command line tool offers.
 */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { straysOf, userFolders, type Workspace } from "../disk/workspace.js"
import type { Launch } from "../process/launch.js"
import { canInspectSandboxes } from "../process/procAccess.js"
import type { Landlock } from "./candidates.js"
import { processesOfUser } from "./hostIdentity.js"
import { interpreterFolders } from "./interpreters.js"
import { withRestrictions } from "./rlimits.js"
import { type RootfsOptions, systemPaths } from "./rootfs.js"
import { markLimit, systemCallFilter } from "./seccomp.js"
import { reaper } from "./unshare.js"

/** ABI version of Linux 6.12, the first that restricts signals and abstract sockets too. */
const requiredAbi = 6

const [execute, writeFile, readFile, readFolder, truncate] = [1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14]
const everything = 0xffff
const special = 1 << 6 | 1 << 11 | 1 << 15

const readOnly = { file: execute | readFile, folder: execute | readFile | readFolder }
const ownFiles = everything & ~special

const readable = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/hosts", "/proc"]
const devices = ["null", "zero", "full", "random", "urandom"].map((name) => `/dev/${name}`)

/** Access rights and a path, as the script takes them. */
const rule = (access: number, path: string) => `${access}:${path}`

const readRule = (path: string): ReadonlyArray<string> => {
  const found = Fs.statSync(path, { throwIfNoEntry: false })
  return found === undefined ? [] : [rule(found.isDirectory() ? readOnly.folder : readOnly.file, path)]
}

const rulesFor = (workspace: Workspace, options: RootfsOptions): ReadonlyArray<string> => [
  ...[...systemPaths(options), ...interpreterFolders(options.interpreters), ...readable].flatMap(readRule),
  ...(options.network === "host" ? readRule("/etc/resolv.conf") : []),
  ...devices.map((path) => rule(readFile | writeFile | truncate, path)),
  ...userFolders(workspace).map((path) => rule(ownFiles, path))
]

/** Numbers of system calls. */
interface Numbers {
  readonly prctl: number
  readonly setrlimit: number
}

/** Sets itself up to die with its parent and, as a subreaper, to adopt orphans, so that no descendant is lost. */
const script = ({ prctl, setrlimit }: Numbers) =>
  [
    "sub must { $_[0] >= 0 or die \"landlock: $_[1]: $!\\n\"; $_[0] }",
    "my ($net, $filter, $mark, $count) = splice @ARGV, 0, 4;",
    "my $attributes = pack 'QQQ', 65535, $net, 3;",
    "my $set = must(syscall(444, $attributes, 24, 0), 'create_ruleset');",
    "for (1 .. $count) {",
    "  my ($access, $path) = split /:/, shift, 2;",
    "  sysopen(my $file, $path, 010000000) or next;",
    "  my $rule = pack 'Ql', $access, fileno $file;",
    "  must(syscall(445, $set, 1, $rule, 0), \"add_rule $path\");",
    "}",
    `must(syscall(${prctl}, 1, 9, 0, 0, 0), 'pdeathsig');`,
    `must(syscall(${prctl}, 36, 1, 0, 0, 0), 'subreaper');`,
    `must(syscall(${prctl}, 38, 1, 0, 0, 0), 'no_new_privs');`,
    `must(syscall(${setrlimit}, ${markLimit}, pack('QQ', $mark, $mark)), 'mark');`,
    "must(syscall(446, $set, 0), 'restrict_self');",
    "if ($filter ne '') {",
    "  my $f = pack 'H*', $filter; my $p = pack 'S x![P] P', length($f) / 8, $f;",
    `  must(syscall(${prctl}, 22, 2, $p, 0, 0), 'seccomp');`,
    "}",
    "exec { $ARGV[0] } @ARGV or die \"exec: $!\\n\""
  ].join("\n")

/** Sends SIGCONT when the parent dies: a stopped agent then continues, finds its stdin closed, and cleans up. */
const pdeathsigCont = ({ prctl }: Numbers) => `syscall(${prctl}, 1, 18, 0, 0, 0); exec { $ARGV[0] } @ARGV or die`

/** Asks the kernel for its Landlock ABI. Resolves with why it will not do, or undefined. */
export const probeLandlock = (perl: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const child = spawn(perl, ["-e", "print syscall(444, 0, 0, 1)"], { env: {}, stdio: ["ignore", "pipe", "ignore"] })
    let abi = ""
    child.stdout.on("data", (chunk) => abi += chunk)
    child.on("error", (error) => resolve(error.message))
    child.on("close", () =>
      resolve(
        Number(abi) >= requiredAbi
          ? undefined
          : `the kernel has ${abi === "-1" ? "no Landlock" : `version ${abi}`}`
      ))
  })

/**
 * The kernel counts the processes of all sessions of a user together. Where each is limited otherwise, that many may have all
 * that they are allowed before the others cannot start any.
 */
const sessionsAtTheirLimit = 16

export const landlockLaunch = (
  how: Landlock,
  workspace: Workspace,
  options: RootfsOptions,
  environment: Readonly<Record<string, string>>,
  program: ReadonlyArray<string>
): Launch => {
  const filter = systemCallFilter(process.arch, {
    sockets: options.network === "host",
    others: false,
    memoryFiles: canInspectSandboxes()
  })
  const numbers = filter ?? { prctl: 157, setrlimit: 160 }
  const rules = rulesFor(workspace, options)
  const processes = how.entry === "dropped"
    ? options.limits.processes
    : processesOfUser() + options.limits.processes * (how.limitsProcesses ? sessionsAtTheirLimit : 1)
  const settings = [
    options.network === "host" ? "0" : "3",
    filter?.program.toString("hex") ?? "",
    `${straysOf(workspace.root).firstMark}`,
    `${rules.length}`
  ]
  const inner = ["/bin/sh", "-c", reaper, "sh", how.perl, "-e", pdeathsigCont(numbers), ...program]
  const [command = "", ...args] = withRestrictions(
    { limits: { ...options.limits, processes }, become: undefined },
    [how.perl, "-e", script(numbers), ...settings, ...rules, ...inner]
  )
  return {
    command,
    args,
    environment,
    descriptors: [],
    cwd: workspace.home,
    uid: how.entry === "dropped" ? options.uid : undefined
  }
}

/** Gives the folders to the sandbox's user. */
export const chownWorkspace = (workspace: Workspace, uid: number): void => {
  Fs.chmodSync(workspace.root, 0o711)
  for (const folder of userFolders(workspace)) Fs.chownSync(folder, uid, uid)
}
