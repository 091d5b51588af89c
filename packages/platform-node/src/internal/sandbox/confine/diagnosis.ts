/** From what bubblewrap or unshare complained about to what a person can do about it. */

export interface Diagnosis {
  readonly reason: string
  readonly remedy: string
}

const inWords = "or run without isolation by asking for it in words: isolation: \"none\""

const install = "Install bubblewrap 0.7 or newer (Debian, Ubuntu: apt-get install bubblewrap; " +
  "Fedora: dnf install bubblewrap)"

const docker = "Start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
  "--security-opt systempaths=unconfined, and as root also with --cap-add SYS_ADMIN"

/** bubblewrap's own words for an option that came after it. */
export const isAboutAge = (complaint: string): boolean => /unknown option/i.test(complaint)

const known: ReadonlyArray<readonly [pattern: RegExp, diagnosis: Diagnosis]> = [
  [
    /unknown option|unrecognized option/i,
    { reason: "the installed bubblewrap or util-linux is too old", remedy: install }
  ],
  [
    /uid map|uid_map|loopback: Failed RTM_NEWADDR/i,
    {
      reason: "this machine lets ordinary programs have no user namespace of their own (AppArmor, as on Ubuntu 24.04)",
      remedy: "Allow it with an AppArmor profile for bwrap (package apparmor-profiles) " +
        "or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    }
  ],
  [
    /can't mount proc|mount: .*\/proc: (permission denied|cannot mount proc)/i,
    {
      reason: "a new /proc cannot be mounted here: the container's own one is masked",
      remedy: "Start the container with --security-opt systempaths=unconfined"
    }
  ],
  [
    /no permissions to create new namespace|creating new namespace failed: operation not permitted|unshare failed: operation not permitted|failed to make \/ slave|clone: operation not permitted/i,
    {
      reason: "new namespaces are not permitted here (inside Docker its system call filter does that; " +
        "elsewhere the sysctl kernel.unprivileged_userns_clone)",
      remedy: docker
    }
  ],
  [
    /no space left on device|exceeded \(ENOSPC\)|unshare failed: invalid argument/i,
    {
      reason: "user namespaces are switched off or used up on this machine",
      remedy: "Raise the sysctl user.max_user_namespaces"
    }
  ]
]

const notInstalled: Diagnosis = {
  reason: "bubblewrap is not installed, nor are unshare and setpriv from util-linux",
  remedy: install
}

const unknown: Diagnosis = { reason: "the sandbox could not be built", remedy: install }

const inOneLine = (complaint: string) =>
  complaint.replace(/\s+/g, " ").replace(/\.? See <.*$/, "").replace(/ dmesg\(1\) may .*$/, "").replace(/\.+$/, "")

const recognized = (complaint: string) => known.find(([pattern]) => pattern.test(complaint))?.[1] ?? unknown

/** `complaint` undefined means that no tool was there to complain. */
export const diagnose = (complaint: string | undefined): Diagnosis => {
  const { reason, remedy } = complaint === undefined ? notInstalled : recognized(complaint)
  return {
    reason: complaint === undefined ? reason : `${reason}: ${inOneLine(complaint)}`,
    remedy: `${remedy}, ${inWords}`
  }
}
