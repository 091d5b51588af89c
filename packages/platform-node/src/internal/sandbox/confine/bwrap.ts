/** A sandbox as command line arguments of bubblewrap. */
import type { Buffer } from "node:buffer"
import * as Path from "node:path"
import { canInspectSandboxes } from "../process/procAccess.js"
import type { Bwrap } from "./candidates.js"
import { withRestrictions } from "./rlimits.js"
import { home, ownedPaths, type RootfsContents, type RootfsOptions } from "./rootfs.js"
import { systemCallFilter } from "./seccomp.js"

const [settingsDescriptor, firstFile] = [3, 4]

/** Root needs these until it has handed its sandbox over to an ordinary user. */
const capabilitiesToDrop = ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"]

/** These bound the user namespace before they are given up. */
const capabilitiesToBound = ["CAP_SYS_RESOURCE", "CAP_SETPCAP"]

const initialCapabilities = (how: Bwrap): ReadonlyArray<string> =>
  how.entry === "root" ? capabilitiesToDrop : how.boundsNamespace ? capabilitiesToBound : []

const namespaces = (how: Bwrap, options: RootfsOptions): ReadonlyArray<string> => [
  ...(how.entry === "root" ? [] : ["--unshare-user", "--uid", `${options.uid}`, "--gid", `${options.uid}`]),
  ...(how.entry !== "root" && how.disableUserns ? ["--disable-userns"] : []),
  ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
  ...(options.network === "none" ? ["--unshare-net"] : []),
  ...["--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"],
  ...initialCapabilities(how).flatMap((name) => ["--cap-add", name])
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
  ...contents.files.flatMap((
    [path, , mode = "0644"],
    index
  ) => ["--perms", mode, "--file", `${firstFile + index}`, path]),
  ...["--remount-ro", "/dev", "--remount-ro", "/"]
]

/**
 * The options, generated files, and last the seccomp filter are passed as file descriptors: nothing is written to the host's
 * disk, and the command line of bubblewrap, which is process 1 inside, tells nothing of paths outside.
 */
export const bwrapArguments = (
  how: Bwrap,
  contents: RootfsContents,
  options: RootfsOptions,
  program: ReadonlyArray<string>
): { readonly args: ReadonlyArray<string>; readonly descriptors: ReadonlyArray<string | Buffer> } => {
  const filter = systemCallFilter(process.arch, { memoryFiles: canInspectSandboxes() })?.program
  const files = contents.files.map(([, text]) => text)
  const settings = [
    ...namespaces(how, options),
    ...root(contents),
    ...(filter === undefined ? [] : ["--seccomp", `${firstFile + files.length}`]),
    ...["--chdir", home]
  ]
  const descriptors = [settings.map((setting) => `${setting}\0`).join(""), ...files]
  return {
    args: [
      ...["--args", `${settingsDescriptor}`, "--"],
      ...withRestrictions(
        {
          limits: options.limits,
          boundsNamespace: how.boundsNamespace,
          become: how.entry === "root" ? { uid: options.uid, owned: ownedPaths(contents) } : undefined
        },
        program
      )
    ],
    descriptors: filter === undefined ? descriptors : [...descriptors, filter]
  }
}
