/** What sandboxed code tries, each attack with a look from outside at whether it worked. */
import { Effect, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import type { Interpreters } from "../../../src/internal/sandbox/confine/interpreters.js"
import { make, type Sandbox } from "../../../src/internal/sandbox/sandbox.js"
import type { Isolation } from "../../../src/Isolation.js"
import { processesWith, until } from "../processes/processes.js"

/** The world outside, with things in it that must not be found, reached or changed. */
export interface Outside {
  readonly secret: string
  readonly folder: string
  readonly port: number
  readonly visits: () => number
}

export interface Shell {
  readonly sandbox: Sandbox
  /** Standard output and standard error together, whatever the exit code. */
  readonly run: (command: string) => Effect.Effect<string>
  readonly exitCode: (command: string) => Effect.Effect<number>
}

/** What got through, or undefined where nothing did. */
type Attack = (shell: Shell, outside: Outside) => Effect.Effect<string | undefined>

const when = (isTrue: boolean, what: string) => isTrue ? what : undefined

const shellOf = (sandbox: Sandbox): Shell => {
  const shell = (command: string) => sandbox.call({ op: "shell", command, timeoutMs: 120_000 }).pipe(Effect.orDie)
  return {
    sandbox,
    run: (command) => Effect.map(shell(command), ({ body }) => Buffer.from(body).toString("utf8")),
    exitCode: (command) => Effect.map(shell(command), ({ value }) => (value as { exitCode: number }).exitCode)
  }
}

/** Each line must fail; what succeeds is the result. */
const allFail = (shell: Shell, commands: ReadonlyArray<string>) =>
  Effect.map(
    Effect.filter(commands, (command) =>
      Effect.map(shell.exitCode(`( ${command} ) >/dev/null 2>&1`), (code) => code === 0)),
    (succeeded) =>
      when(succeeded.length > 0, `succeeded: ${succeeded.join("; ")}`)
  )

const python = (shell: Shell, code: string) => shell.run(`python3 -c '${code}' 2>&1`)

const readsFiles: Attack = (shell, { folder, secret }) =>
  Effect.gen(function*() {
    const read = [
      `cat ${folder}/*`,
      "cat /etc/shadow",
      "cat /proc/1/root/etc/shadow",
      "ls /root/.ssh",
      "cat /proc/1/cwd/etc/shadow"
    ]
    const search = `find /tmp /home /root /opt /var /run /mnt /srv -name ${secret} 2>/dev/null`
    const output = yield* shell.run(`${search}; ls ${Os.homedir()}; ${read.join("; ")}`)
    return when(output.includes(secret) || /^root:[^x]/m.test(output), output.slice(0, 300)) ??
      (yield* allFail(shell, read))
  })

const writesFiles: Attack = (shell, { folder, secret }) =>
  Effect.gen(function*() {
    const places = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/run", "/var", "/opt/agb/agent", "/proc", folder]
    const result = yield* allFail(shell, [
      ...places.map((place) => `echo x > ${Path.join(place, `written-${secret}`)}`),
      ": >> /etc/passwd",
      ": >> /etc/hosts",
      ": >> /usr/bin/env",
      ": >> /dev/vda",
      "chmod u+w /usr/bin/env"
    ])
    const appeared = places.map((place) => Path.join(place, `written-${secret}`)).filter((path) => Fs.existsSync(path))
    return result ?? when(appeared.length > 0, `outside: ${appeared.join(" ")}`)
  })

const packageRoot = fileURLToPath(new URL("../../..", import.meta.url))

const readsEnvironment: Attack = (shell) =>
  Effect.map(
    shell.run("env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null"),
    (output) =>
      when(
        output.includes(process.env.AGB_API_KEY ?? "unset") || output.includes("AGB_API_KEY") ||
          output.includes(packageRoot),
        "AGB_API_KEY, or where this package is installed, is inside"
      )
  )

const reachesNetwork: Attack = (shell, { port, visits }) =>
  Effect.gen(function*() {
    const addresses = Object.values(Os.networkInterfaces()).flatMap((all) => all ?? []).filter((it) =>
      it.family === "IPv4"
    )
    for (const host of ["127.0.0.1", ...addresses.map((it) => it.address)]) {
      yield* shell.run(`timeout 2 node -e 'fetch("http://${host}:${port}/").catch(() => 0)'`)
    }
    return when(visits() > 0, "a listener of the host was reached")
  })

const opensOddSockets: Attack = (shell) =>
  Effect.map(
    python(
      shell,
      "import socket\nfor family in (40, 38, 17, 15):\n try: socket.socket(family, 5 if family == 38 else 3); print(\"open\", family)\n except OSError: pass"
    ),
    (output) => when(output.includes("open"), output)
  )

const seesProcesses: Attack = (shell) =>
  Effect.gen(function*() {
    const listed = yield* shell.run("ls /proc | grep -c '^[0-9]'; cat /proc/*/comm")
    const foreign = yield* shell.exitCode(`kill -0 ${process.pid} 2>/dev/null`)
    return when(Number(listed.split("\n")[0]) > 20 || foreign === 0 && process.pid > 100, listed.slice(0, 300))
  })

/** Opening for writing is as good as writing, and does no harm where it works. */
const opensKernelSettings: Attack = (shell) =>
  allFail(shell, [
    ": >> /proc/sys/kernel/core_pattern",
    ": >> /proc/sys/kernel/randomize_va_space",
    ": >> /proc/sys/kernel/modprobe",
    ": >> /proc/sys/user/max_user_namespaces",
    ": >> /proc/sys/vm/drop_caches",
    ": >> /proc/sysrq-trigger",
    "cat /proc/kcore | head -c 1 | grep -q .",
    "dmesg",
    "date -s \"$(date)\""
  ])

const mounts: Attack = (shell) =>
  allFail(shell, [
    "mount -t tmpfs none /tmp",
    "mount -o remount,rw /",
    "mount -o remount,rw,bind /usr",
    "mount --bind /proc/1/root /tmp",
    "umount /usr",
    "umount -l /etc/ssl/certs",
    "chroot / true",
    "mknod /tmp/disk b 254 0"
  ])

const gainsPrivileges: Attack = (shell) =>
  Effect.gen(function*() {
    const status = yield* shell.run("id -u; id -G; grep -E '^(Cap|NoNewPrivs)' /proc/self/status")
    const uid = Number(status.split("\n")[0])
    const capable = /^Cap\w+:\s*0*[1-9a-f]/m.test(status) || !/^NoNewPrivs:\s*1/m.test(status)
    return when(uid === 0 || capable, status) ?? (yield* allFail(shell, [
      "unshare -U true",
      "unshare -r -m true",
      "unshare -n true",
      "nsenter -t 1 -m true",
      "setpriv --reuid=0 true",
      "sudo -n true"
    ]))
  })

const inspectsProcesses: Attack = (shell) =>
  Effect.map(
    python(
      shell,
      "import ctypes, os\nlibc = ctypes.CDLL(None)\nfor pid in [os.getppid(), 1, 2]:\n if libc.ptrace(16, pid, 0, 0) == 0: print(\"attached\", pid)"
    ),
    (output) => when(output.includes("attached"), output)
  )

/** By their numbers on x64; elsewhere most of these are nothing at all. */
const calls: Readonly<Record<string, string>> = {
  "io_uring": "425, 8, b",
  "userfaultfd": "323, 1",
  "add_key": "248, b\"user\", b\"x\", b\"y\", 1, -3",
  "keyctl": "250, 0, -3, 0",
  "bpf": "321, 0, b, 72",
  "perf_event_open": "298, b, 0, -1, -1, 0",
  "fanotify_init": "300, 0, 0",
  "open_by_handle_at": "304, -100, b, 0",
  "name_to_handle_at": "303, -100, b\"/\", b, b, 0",
  "clone3": "435, b, 64",
  "a user namespace by clone": "56, 0x10000011, 0, 0, 0, 0",
  "a mount namespace by clone": "56, 0x20011, 0, 0, 0, 0",
  "a pid namespace by clone": "56, 0x20000011, 0, 0, 0, 0",
  "the namespaces of process 1": "308, pidfd, 0x7c020000",
  "the descriptors of process 1": "438, pidfd, 0, 0",
  "a new root by fsopen": "430, b\"tmpfs\", 0",
  "memfd_secret": "447, 0",
  "swapon": "167, b\"/tmp/x\", 0",
  "iopl": "172, 3",
  "typing into a terminal": "16, terminal, 0x5412, b\"x\"",
  "typing into a terminal, with more bits": "16, terminal, 0x100005412, b\"x\""
}

const callsTheKernel: Attack = (shell) =>
  Effect.map(
    python(
      shell,
      [
        "import ctypes, os, pty",
        "kernel = ctypes.CDLL(None).syscall",
        "b = ctypes.create_string_buffer(4096)",
        "pidfd = os.pidfd_open(1)",
        "terminal = pty.openpty()[1]",
        ...Object.entries(calls).map(([name, args]) => `if kernel(${args}) >= 0: print("got", "${name}")`),
        "print(\"tried\")"
      ].join("\n")
    ),
    (output) => when(process.arch === "x64" && output.trim() !== "tried", output)
  )

/** How many it can have of what Linux has a fixed number of, for all or for each user of the host. */
const takesFromAll: Attack = (shell) => {
  const { confinement } = shell.sandbox.isolation
  const entry = "entry" in confinement ? confinement.entry : ""
  const most = {
    requests: process.arch === "x64" ? 0 : Infinity,
    watchers: entry === "caller" ? 16 : Infinity,
    terminals: confinement._tag === "Unshare" ? 64 : Infinity,
    signals: 4096,
    queues: 128 * 1024
  }
  const code = [
    "import ctypes, json, os, pty, resource",
    "libc = ctypes.CDLL(None)",
    "def count(make, most):",
    " for made in range(most):",
    "  try:",
    "   if make() < 0: return made",
    "  except OSError: return made",
    " return most",
    "b = ctypes.create_string_buffer(8)",
    "print(json.dumps({",
    " \"requests\": count(lambda: libc.syscall(206, 1, b), 1),",
    " \"watchers\": count(lambda: libc.inotify_init1(0), 100),",
    " \"terminals\": count(lambda: pty.openpty()[0], 100),",
    " \"signals\": resource.getrlimit(11)[1],",
    " \"queues\": resource.getrlimit(12)[1]",
    "}))"
  ]
  return Effect.map(python(shell, code.join("\n")), (output) => {
    const got = JSON.parse(output) as Record<string, number>
    const isTooMuch = Object.entries(most).some(([kind, count]) => !((got[kind] ?? NaN) <= count && got[kind] !== -1))
    return when(isTooMuch, output)
  })
}

const gainsByFiles: Attack = (shell) =>
  allFail(shell, [
    "ln /etc/passwd /tmp/passwd",
    "ln /usr/bin/env /tmp/env",
    "cp /bin/sh /tmp/sh && chmod 4755 /tmp/sh && /tmp/sh -p -c 'id -u' | grep -q '^0$'",
    "mknod /tmp/null c 1 3",
    // The runtime puts its limits there as plain files: no control group, and nothing else.
    "grep -q cgroup /proc/self/mounts",
    "find /sys -type f | grep -qv '^/sys/fs/cgroup/memory'",
    "echo $$ > /sys/fs/cgroup/cgroup.procs",
    "echo max > /sys/fs/cgroup/memory.max",
    "ls /dev/mem /dev/kmem /dev/kvm /dev/fuse /dev/net/tun /dev/vda | grep -q .",
    "echo -1000 > /proc/self/oom_score_adj",
    "chrt -f 50 true"
  ])

/** In the name of a folder that the host was started with, open. */
export const inheritedName = "agb-inherited-"

const findsDescriptors: Attack = (shell, { folder, secret }) =>
  Effect.map(
    shell.run("for d in /proc/[0-9]*/fd/*; do ls -la $d $d/ $d/.. $d/../..; cat $d/*; done 2>/dev/null"),
    (output) => {
      const isFound = [secret, Path.basename(folder), inheritedName].some((name) => output.includes(name))
      return when(isFound, output.slice(0, 2000))
    }
  )

const bombs: Attack = (shell) =>
  Effect.gen(function*() {
    const marker = `86${process.pid}.${Math.floor(Math.random() * 1e6)}`
    let slowest = 0
    let last = performance.now()
    const clock = setInterval(() => {
      slowest = Math.max(slowest, performance.now() - last - 10)
      last = performance.now()
    }, 10)
    // Bash would wait 15 s for a process that it cannot start; a plain shell gives up.
    yield* shell.run(`sh -c 'for i in $(seq 700); do sleep ${marker} >/dev/null 2>&1 & done'`)
    const running = processesWith(marker).length
    clearInterval(clock)
    return when(running > 520 || running < 50, `${running} processes`) ??
      when(slowest > 2000, `the host stood still for ${slowest} ms`)
  })

const forks: Attack = (shell) =>
  Effect.gen(function*() {
    yield* Effect.fork(shell.run("bomb() { bomb | bomb & }; bomb"))
    let slowest = 0
    for (let round = 0; round < 6; round++) {
      const start = performance.now()
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      slowest = Math.max(slowest, performance.now() - start - 50)
    }
    yield* shell.sandbox.kill("the bomb has been watched")
    return when(slowest > 2000, `the host stood still for ${slowest} ms`)
  })

const fillsDisks: Attack = (shell) =>
  Effect.gen(function*() {
    const fill =
      "i=0; while head -c 1000000 /dev/zero > $d/f$i 2>/dev/null && [ $i -lt 100 ]; do i=$((i+1)); done; echo $i"
    const output = yield* shell.run(
      `for d in / /home /home/user /tmp /dev /dev/shm /run /var /var/tmp; do ${fill}; done`
    )
    const megabytes = output.split("\n").map(Number).reduce((sum, count) => sum + count, 0)
    return when(megabytes > 26, `${megabytes} MB written`)
  })

const escapesItsEnd: Attack = (shell) =>
  Effect.gen(function*() {
    const marker = `87${process.pid}.${Math.floor(Math.random() * 1e6)}`
    yield* shell.run(
      `setsid sleep ${marker} >/dev/null 2>&1 </dev/null &\n(env -i setsid nohup sleep ${marker} >/dev/null 2>&1 &) & sleep 0.2`
    )
    const started = processesWith(marker).length
    yield* shell.sandbox.kill("its end is being watched")
    const left = yield* until(() => processesWith(marker).length === 0)
    return when(started < 2, `only ${started} started`) ?? when(!left, "a daemon is left")
  })

/** Only tried where the processes in sight are few enough to be those of the sandbox. */
const killsEverybody: Attack = (shell) =>
  Effect.gen(function*() {
    yield* shell.run("[ $(ls /proc | grep -c '^[0-9]') -lt 20 ] && kill -9 -1").pipe(Effect.exit)
    const lost = yield* shell.sandbox.lost.pipe(Effect.timeoutOption("2 seconds"))
    return when(lost._tag === "None", "the agent survived, so nothing was tried")
  })

/** Those that leave their sandbox as it was, so one serves them all. */
const quiet: Readonly<Record<string, Attack>> = {
  "reading files of the host": readsFiles,
  "writing outside": writesFiles,
  "reading the host's environment": readsEnvironment,
  "reaching a listener of the host": reachesNetwork,
  "opening vsock, AF_ALG, packet and key sockets": opensOddSockets,
  "seeing processes of the host": seesProcesses,
  "writing core_pattern and other kernel settings": opensKernelSettings,
  "mounting": mounts,
  "gaining privileges or a user namespace": gainsPrivileges,
  "debugging the agent": inspectsProcesses,
  "finding a descriptor of the host": findsDescriptors,
  "asking the kernel for what escapes are made of": callsTheKernel,
  "taking what there is for all": takesFromAll,
  "links, devices, setuid programs and control groups": gainsByFiles
}

/** Those that need a sandbox to themselves. */
const loud: Readonly<Record<string, Attack>> = {
  "starting hundreds of processes": bombs,
  "a fork bomb": forks,
  "filling the disk": fillsDisks,
  "a daemon that outlives the sandbox": escapesItsEnd,
  "killing every process": killsEverybody
}

/** Those that are written in Python, and try nothing where there is none. */
export const inPython: ReadonlySet<string> = new Set(
  Object.entries(quiet).filter(([, attack]) =>
    [opensOddSockets, inspectsProcesses, callsTheKernel, takesFromAll].includes(attack)
  )
    .map(
      ([name]) => name
    )
)

export const attackNames: ReadonlyArray<string> = [...Object.keys(quiet), ...Object.keys(loud)]

const outside: Effect.Effect<Outside, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => {
    let visits = 0
    const server = Http.createServer((_, response) => {
      visits++
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve))
    const secret = `secret-${Math.random().toString(36).slice(2)}`
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-outside-"))
    Fs.chmodSync(folder, 0o755)
    Fs.writeFileSync(Path.join(folder, secret), secret)
    return { server, secret, folder, port: (server.address() as AddressInfo).port, visits: () => visits }
  }),
  ({ folder, server }) =>
    Effect.sync(() => {
      server.close()
      Fs.rmSync(folder, { recursive: true })
    })
)

export interface Outcome {
  readonly isolation: string
  readonly attack: string
  readonly got: string | undefined
}

/** Every attack, in sandboxes with a workspace of 8 MB. */
export const attackAll = (
  isolation: Isolation,
  interpreters: Interpreters
): Effect.Effect<ReadonlyArray<Outcome>> =>
  Effect.gen(function*() {
    const world = yield* outside
    const sandbox = make({ isolation, interpreters, limits: { workspaceBytes: 8_000_000 } })
    const attempt = (within: Effect.Effect<Sandbox, unknown, Scope.Scope>) => ([attack, run]: [string, Attack]) =>
      within.pipe(
        Effect.flatMap((sandbox) => run(shellOf(sandbox), world)),
        Effect.scoped,
        Effect.catchAllCause((cause) => Effect.succeed(`could not be tried: ${cause}`)),
        Effect.map((got): Outcome => ({ isolation: isolation.description, attack, got }))
      )
    const shared = yield* Effect.cached(Effect.provide(sandbox, yield* Effect.context<Scope.Scope>()))
    return [
      ...(yield* Effect.forEach(Object.entries(quiet), attempt(shared))),
      ...(yield* Effect.forEach(Object.entries(loud), attempt(sandbox)))
    ]
  }).pipe(Effect.scoped)
