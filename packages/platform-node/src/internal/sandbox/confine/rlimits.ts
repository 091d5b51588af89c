/** The last step before the program of a sandbox runs: resource limits, and for root dropping its privileges. */
import type { SandboxLimits } from "./rootfs.js"

export interface Restrictions {
  readonly limits: SandboxLimits
  /** For a sandbox that root has built: the user to become, and the directories to hand over. */
  readonly become: { readonly uid: number; readonly owned: ReadonlyArray<string> } | undefined
}

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
  "echo 500 2>/dev/null >/proc/self/oom_score_adj || :"
]

/** Gives up root and all capabilities for good. */
export const dropPrivileges = (uid: number): ReadonlyArray<string> => [
  ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"],
  ...["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
]

export const withRestrictions = (
  { become, limits }: Restrictions,
  program: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const chown = become === undefined ? [] : [`chown ${become.uid}:${become.uid} ${become.owned.join(" ")}`]
  const dropping = become === undefined ? "" : `${dropPrivileges(become.uid).join(" ")} `
  const script = ["set -e", ...chown, ...ulimitLines(limits), `exec ${dropping}"$@"`].join("\n")
  return ["/bin/sh", "-c", script, "sh", ...program]
}
