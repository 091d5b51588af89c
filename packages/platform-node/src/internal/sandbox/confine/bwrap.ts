/** A sandbox as command line arguments of bubblewrap. */
import type { Buffer } from "node:buffer"
import * as Path from "node:path"
import { canInspectSandboxes } from "../process/procAccess.js"
import type { Bwrap } from "./candidates.js"
import { withRestrictions } from "./rlimits.js"
import { home, ownedPaths, type RootfsContents, type RootfsOptions } from "./rootfs.js"
import { systemCallFilter } from "./seccomp.js"

const firstDescriptor = 3

/** Root needs these until it has handed its sandbox over to an ordinary user. */
const capabilitiesToDrop = ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"]

const namespaces = (how: Bwrap, options: RootfsOptions): ReadonlyArray<string> => [
  ...(how.entry === "root" ? [] : ["--unshare-user", "--uid", `${options.uid}`, "--gid", `${options.uid}`]),
  ...(how.entry !== "root" && how.disableUserns ? ["--disable-userns"] : []),
  ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
  ...(options.network === "none" ? ["--unshare-net"] : []),
  ...["--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"],
  ...(how.entry === "root" ? capabilitiesToDrop.flatMap((name) => ["--cap-add", name]) : [])
]

/** Parent folders, created explicitly: bubblewrap would give those above a private folder its restrictive mode. */
const folders = (contents: RootfsContents): ReadonlySet<string> => {
  const placed = [...contents.links, ...contents.binds, ...contents.files.map(([path]) => ["", path] as const)]
  const paths = [...placed.map(([, path]) => path), ...contents.memory.map(({ path }) => path), "/run/."]
  return new Set(paths.map((path) => Path.dirname(path)).filter((folder) => folder !== "/" && folder !== "/dev"))
}

const root = (contents: RootfsContents): ReadonlyArray<string> => [
  ...[...folders(contents)].flatMap((folder) => ["--perms", "0755", "--dir", folder]),
  ...contents.links.flatMap(([target, path]) => ["--symlink", target, path]),
  ...["--proc", "/proc", "--dev", "/dev"],
  ...contents.memory.flatMap(({ bytes, mode, path }) => ["--perms", mode, "--size", `${bytes}`, "--tmpfs", path]),
  ...contents.folders.flatMap(({ mode, path }) => ["--perms", mode, "--dir", path]),
  ...contents.binds.flatMap(([source, path]) => ["--ro-bind", source, path]),
  ...contents.files.flatMap(([path], index) => ["--perms", "0644", "--file", `${firstDescriptor + index}`, path]),
  ...["--remount-ro", "/dev", "--remount-ro", "/"]
]

/** Generated files, and last the seccomp filter, are passed as file descriptors: nothing is written to the host's disk. */
export const bwrapArguments = (
  how: Bwrap,
  contents: RootfsContents,
  options: RootfsOptions,
  program: ReadonlyArray<string>
): { readonly args: ReadonlyArray<string>; readonly descriptors: ReadonlyArray<string | Buffer> } => {
  const filter = systemCallFilter(process.arch, { memoryFiles: canInspectSandboxes() })?.program
  const files = contents.files.map(([, text]) => text)
  return {
    args: [
      ...namespaces(how, options),
      ...root(contents),
      ...(filter === undefined ? [] : ["--seccomp", `${firstDescriptor + files.length}`]),
      ...["--chdir", home, "--"],
      ...withRestrictions(
        {
          limits: options.limits,
          become: how.entry === "root" ? { uid: options.uid, owned: ownedPaths(contents) } : undefined
        },
        program
      )
    ],
    descriptors: filter === undefined ? files : [...files, filter]
  }
}
