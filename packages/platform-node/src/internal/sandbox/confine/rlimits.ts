/** The last step before the program of a sandbox runs: resource limits, and for root another user. */
import type { SandboxLimits } from "./rootfs.js"

/** `give` names the user to become and the directories that become theirs: for a sandbox that root has built. */
export interface Restrictions {
  readonly limits: SandboxLimits
  readonly give: { readonly uid: number; readonly owned: ReadonlyArray<string> } | undefined
}

/** `ulimit`, since every sh has it; the option for processes has two names. The last line makes the kernel end us before the host. */
export const ulimitLines = ({ memoryBytes, processes, workspaceBytes }: SandboxLimits): ReadonlyArray<string> => [
  "ulimit -c 0",
  `ulimit -f ${Math.ceil(workspaceBytes / 512)}`,
  `ulimit -d ${Math.ceil(memoryBytes / 1024)}`,
  `ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}`,
  "ulimit -Sn 1024 2>/dev/null || :",
  "ulimit -Hn 4096 2>/dev/null || :",
  "echo 500 2>/dev/null >/proc/self/oom_score_adj || :"
]

/** Without root's rights and without a way back to any. */
export const dropPrivileges = (uid: number): ReadonlyArray<string> => [
  ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"],
  ...["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
]

export const withRestrictions = (
  { give, limits }: Restrictions,
  program: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const handOver = give === undefined ? [] : [`chown ${give.uid}:${give.uid} ${give.owned.join(" ")}`]
  const become = give === undefined ? "" : `${dropPrivileges(give.uid).join(" ")} `
  const script = ["set -e", ...handOver, ...ulimitLines(limits), `exec ${become}"$@"`].join("\n")
  return ["/bin/sh", "-c", script, "sh", ...program]
}
