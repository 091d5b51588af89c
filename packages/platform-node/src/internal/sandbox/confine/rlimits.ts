/** The last step before the program of a sandbox runs: resource limits, and for root dropping its privileges. */
import type { SandboxLimits } from "./rootfs.js"

export interface Restrictions {
  readonly limits: SandboxLimits
  /** For a sandbox that root has built: the user to become, and the directories to hand over. */
  readonly become: { readonly uid: number; readonly owned: ReadonlyArray<string> } | undefined
  /** Whether it begins with capabilities, to bound its user namespace, and gives them up. */
  readonly boundsNamespace?: boolean
}

/** Of what Linux counts per user: enough for programs, and so little that several sessions do not take all. */
const [pendingSignals, messageQueueBytes] = [4096, 128 * 1024]

/**
 * Lines of a shell script; the option of `ulimit` for processes has two names. The last line makes the kernel's OOM killer
 * prefer the sandbox to the host.
 */
export const ulimitLines = ({ memoryBytes, processes, workspaceBytes }: SandboxLimits): ReadonlyArray<string> => [
  "ulimit -c 0",
  `ulimit -f ${Math.ceil(workspaceBytes / 512)}`,
  `ulimit -d ${Math.ceil(memoryBytes / 1024)}`,
  `ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}`,
  "ulimit -Sn 1024 2>/dev/null || :",
  "ulimit -Hn 4096 2>/dev/null || :",
  // No shell has all of these.
  `prlimit --pid $$ --sigpending=${pendingSignals} --msgqueue=${messageQueueBytes} 2>/dev/null || :`,
  "echo 500 2>/dev/null >/proc/self/oom_score_adj || :"
]

/** Of what a user namespace may limit, in the same sense. */
const namespaceLimits = { max_inotify_instances: 16, max_inotify_watches: 16_384 }

/**
 * Bounds a user namespace whose user is, outside, that of the host: a session would otherwise take what that user may have
 * from all other sessions and from the host's own programs.
 */
export const namespaceLines: ReadonlyArray<string> = Object.entries(namespaceLimits).map(([name, value]) =>
  `{ echo ${value} > /proc/sys/user/${name}; } 2>/dev/null || :`
)

const withoutCapabilities = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]

/** Gives up root and all capabilities for good. */
export const dropPrivileges = (uid: number): ReadonlyArray<string> => [
  ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"],
  ...withoutCapabilities
]

export const withRestrictions = (
  { become, boundsNamespace = false, limits }: Restrictions,
  program: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const chown = become === undefined ? [] : [`chown ${become.uid}:${become.uid} ${become.owned.join(" ")}`]
  const dropping = become !== undefined
    ? dropPrivileges(become.uid)
    : boundsNamespace
    ? ["setpriv", ...withoutCapabilities, "--ambient-caps=-all"]
    : []
  const script = [
    "set -e",
    ...chown,
    ...(boundsNamespace ? namespaceLines : []),
    ...ulimitLines(limits),
    ["exec", ...dropping, "\"$@\""].join(" ")
  ].join("\n")
  return ["/bin/sh", "-c", script, "sh", ...program]
}
