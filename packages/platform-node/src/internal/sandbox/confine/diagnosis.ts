/** Turns an error message of bubblewrap or unshare into a reason and a remedy. */

export interface Diagnosis {
  readonly reason: string
  readonly remedy: string
}

const orNone = "or run without a sandbox by requesting it explicitly: isolation: \"none\""

const install = "Install bubblewrap 0.7 or newer (Debian, Ubuntu: apt-get install bubblewrap; " +
  "Fedora: dnf install bubblewrap)"

const docker = "Start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
  "--security-opt systempaths=unconfined, and as root also with --cap-add SYS_ADMIN"

/** Whether bubblewrap is older than an option that it was given. */
export const isUnknownOption = (message: string): boolean => /unknown option/i.test(message)

const known: ReadonlyArray<readonly [pattern: RegExp, diagnosis: Diagnosis]> = [
  [
    /unknown option|unrecognized option/i,
    { reason: "the installed bubblewrap or util-linux is too old", remedy: install }
  ],
  [
    /uid map|uid_map|loopback: Failed RTM_NEWADDR/i,
    {
      reason: "unprivileged user namespaces are restricted on this machine (AppArmor, as on Ubuntu 24.04)",
      remedy: "Allow it with an AppArmor profile for bwrap (package apparmor-profiles) " +
        "or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    }
  ],
  [
    /can't mount proc|mount: .*\/proc: (permission denied|cannot mount proc)/i,
    {
      reason: "a new /proc cannot be mounted: that of this container is masked",
      remedy: "Start the container with --security-opt systempaths=unconfined"
    }
  ],
  [
    /no permissions to create new namespace|creating new namespace failed: operation not permitted|unshare failed: operation not permitted|failed to make \/ slave|clone: operation not permitted/i,
    {
      reason: "new namespaces are not permitted here (by Docker's seccomp filter, or outside of Docker by the sysctl " +
        "kernel.unprivileged_userns_clone)",
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

const inOneLine = (message: string) =>
  message.replace(/\s+/g, " ").replace(/\.? See <.*$/, "").replace(/ dmesg\(1\) may .*$/, "").replace(/\.+$/, "")

const recognized = (message: string) => known.find(([pattern]) => pattern.test(message))?.[1] ?? unknown

/** Without a message: no tool is installed. */
export const diagnose = (message: string | undefined): Diagnosis => {
  const { reason, remedy } = message === undefined ? notInstalled : recognized(message)
  return {
    reason: message === undefined ? reason : `${reason}: ${inOneLine(message)}`,
    remedy: `${remedy}, ${orNone}`
  }
}
