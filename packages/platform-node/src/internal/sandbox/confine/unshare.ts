/**
 * A sandbox as a shell script under `unshare` from util-linux, for machines without bubblewrap. The script runs as root of
 * the new namespaces: it builds the root file system in memory, pivots into it, unmounts the old one and becomes an ordinary
 * user without capabilities.
 */
import * as Fs from "node:fs"
import { canInspectSandboxes } from "../process/procAccess.js"
import type { Unshare } from "./candidates.js"
import { type MountTable, readMountTable } from "./mountTable.js"
import { dropPrivileges, namespaceLines, ulimitLines } from "./rlimits.js"
import type { RootfsContents, RootfsOptions } from "./rootfs.js"
import { home, ownedPaths } from "./rootfs.js"
import { systemCallFilter } from "./seccomp.js"

/** Pseudo terminals: Linux has 4096 for all, a quarter of them for the machine itself. */
const maxTerminals = 64

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

const devices = ["null", "zero", "full", "random", "urandom", "tty"].map((name) => `/dev/${name}`)

/** The new root is mounted over this folder while it is built, so no source of a bind mount may be below it. */
const buildFolder = (contents: RootfsContents): string =>
  ["/mnt", "/media", "/srv", "/opt", "/home", "/tmp"].find((folder) =>
    Fs.existsSync(folder) && !contents.binds.some(([source]) => `${Fs.realpathSync(source)}/`.startsWith(`${folder}/`))
  ) ?? "/mnt"

const escaped = (path: string) =>
  path.replace(/[\\ \t\n#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`)

const isFolder = (path: string) => Fs.statSync(path).isDirectory()

/** One line of the fstab for a single `mount -a`. */
const line = (source: string, target: string, type: string, options: ReadonlyArray<string>) =>
  `${escaped(source)} ${escaped(target)} ${type} ${options.join(",")} 0 0`

const table = (at: string, contents: RootfsContents, mounts: MountTable): ReadonlyArray<string> => [
  line("proc", `${at}/proc`, "proc", ["nosuid", "nodev", "noexec"]),
  ...devices.map((path) => line(path, at + path, "none", ["bind", "nosuid"])),
  line("devpts", `${at}/dev/pts`, "devpts", [
    ...["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=620"],
    `max=${maxTerminals}`
  ]),
  ...contents.memory.map(({ bytes, mode, path }) =>
    line("tmpfs", at + path, "tmpfs", ["nosuid", "nodev", `size=${bytes}`, "nr_inodes=262144", `mode=${mode}`])
  ),
  ...contents.binds.map(([source, path]) =>
    line(source, at + path, "none", [
      "rbind",
      "ro",
      ...mounts.enclosingFlags(source),
      ...(isFolder(source) ? ["X-mount.mkdir"] : [])
    ])
  )
]

/** A recursive bind mount includes submounts, each of which must be made read-only by itself. */
const readOnlyBelow = (at: string, contents: RootfsContents, mounts: MountTable): ReadonlyArray<string> =>
  contents.binds.flatMap(([source, path]) =>
    mounts.below(source).map(({ flags, rest }) =>
      `mount -o remount,bind,ro,${flags.join(",")} ${quoted(at + path + rest)}`
    )
  )

const parent = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/"

const build = (at: string, contents: RootfsContents): ReadonlyArray<string> => {
  const placeholders = [
    ...devices,
    ...contents.binds.filter(([source]) => !isFolder(source)).map(([, path]) => path),
    ...contents.files.map(([path]) => path)
  ]
  const folders = new Set([
    ...["/proc", "/dev/pts", "/run"],
    ...[...placeholders, ...contents.links.map(([, path]) => path)].map(parent),
    ...contents.memory.map(({ path }) => path)
  ])
  const mounts = readMountTable()
  return [
    `mount -t tmpfs -o mode=755,size=4m,nosuid,nodev agb ${at}`,
    `mkdir -p ${[...folders].map((path) => quoted(at + path)).join(" ")}`,
    ...placeholders.map((path) => `: > ${quoted(at + path)}`),
    ...contents.files.map(([path, text]) => `printf %s ${quoted(text)} > ${quoted(at + path)}`),
    ...contents.files.flatMap(([path, , mode]) => mode === undefined ? [] : [`chmod ${mode} ${quoted(at + path)}`]),
    ...contents.links.map(([target, path]) => `ln -s ${quoted(target)} ${quoted(at + path)}`),
    `ln -s /proc/self/fd ${at}/dev/fd`,
    ...["stdin", "stdout", "stderr"].map((name, fd) => `ln -s /proc/self/fd/${fd} ${at}/dev/${name}`),
    `ln -s pts/ptmx ${at}/dev/ptmx`,
    `printf '%s\\n' ${table(at, contents, mounts).map(quoted).join(" ")} > ${at}/table`,
    `mount -a -T ${at}/table`,
    `rm ${at}/table`,
    ...contents.folders.map(({ mode, path }) => `mkdir -p -m ${mode} ${quoted(at + path)}`),
    ...readOnlyBelow(at, contents, mounts)
  ]
}

const enter = (how: Unshare, at: string, options: RootfsOptions): ReadonlyArray<string> => [
  `cd ${at}`,
  "pivot_root . .",
  "umount -l .",
  "cd /",
  "mount -o remount,bind,ro,nosuid,nodev /",
  "hostname sandbox",
  ...(how.ip === undefined || options.network === "host" ? [] : [`${how.ip} link set lo up`])
]

/** Process 1 adopts daemons: a shell in `wait` reaps them, Node would not. */
export const reaper = "exec 3<&0; \"$@\" <&3 3<&- & exec </dev/null 3<&-; wait $!"

/** perl, which every Debian has, makes the one system call that no command line tool offers. */
const filtering = (perl: string | undefined): ReadonlyArray<string> => {
  const filter = systemCallFilter(process.arch, { memoryFiles: canInspectSandboxes() })
  if (filter === undefined || perl === undefined) return []
  const code = "my $f = pack 'H*', shift; my $p = pack 'S x![P] P', length($f) / 8, $f;" +
    `syscall(${filter.prctl}, 22, 2, $p, 0, 0) == 0 or die "seccomp: $!\\n"; exec { $ARGV[0] } @ARGV or die "exec: $!\\n"`
  return [perl, "-e", code, filter.program.toString("hex")]
}

const become = (how: Unshare, options: RootfsOptions): ReadonlyArray<string> => [
  ...(how.entry === "root"
    ? ["exec", ...dropPrivileges(options.uid)]
    : [
      ...["exec", "unshare", "--user", `--map-user=${options.uid}`, `--map-group=${options.uid}`, "--keep-caps"],
      ...["setpriv", "--no-new-privs", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all"]
    ]),
  "--pdeathsig=KILL"
]

const script = (how: Unshare, contents: RootfsContents, options: RootfsOptions): string => {
  const at = buildFolder(contents)
  const own = how.entry === "root"
    ? [`chown ${options.uid}:${options.uid} ${ownedPaths(contents).join(" ")}`]
    : ["echo 1 > /proc/sys/user/max_user_namespaces", ...(how.entry === "caller" ? namespaceLines : [])]
  const last = [...become(how, options), ...filtering(how.perl).map(quoted), "/bin/sh", "-c", quoted(reaper), "sh"]
  return [
    "set -e",
    ...build(at, contents),
    ...enter(how, at, options),
    ...own,
    ...ulimitLines(options.limits),
    `cd ${home}`,
    `${last.join(" ")} "$@"`
  ].join("\n")
}

/** Arguments of `setpriv`, which makes `unshare` die with this process. */
export const unshareArguments = (
  how: Unshare,
  contents: RootfsContents,
  options: RootfsOptions,
  program: ReadonlyArray<string>
): ReadonlyArray<string> => [
  ...["--pdeathsig=KILL", how.unshare],
  ...(how.entry === "root" ? [] : ["--user", "--map-root-user"]),
  ...["--mount", "--pid", "--ipc", "--uts", "--cgroup"],
  ...(options.network === "none" ? ["--net"] : []),
  ...["--fork", "--kill-child=SIGKILL", "--propagation", "private"],
  ...["/bin/sh", "-c", script(how, contents, options), "sh", ...program]
]
