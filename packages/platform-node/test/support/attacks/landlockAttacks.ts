/** What code tries in a sandbox without namespaces; each command must fail, and what it would change must not change. */
import { Effect, Fiber } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { findInterpreters } from "../../../src/internal/sandbox/languages/interpreterSearch.js"
import { make, type Sandbox } from "../../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe } from "../../../src/Isolation.js"
import { processesWith, until } from "../processes/processes.js"

interface World {
  readonly folder: string
  readonly port: number
  readonly socket: string
  /** A process of the user who runs the sandbox. */
  readonly neighbour: number
}

const python = (code: string) => `/usr/bin/python3 -c '${code}'`

/** A system call of x64 by its number; other processors have other calls there, which fail too. */
const system = (args: string) => `import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(${args}) < 0)`

/** User 0 of a container without any rights, who can become nobody else. */
const isRootInName = process.getuid?.() === 0 && /^CapEff:\t0+$/m.test(Fs.readFileSync("/proc/self/status", "utf8"))

const commands = ({ folder, neighbour, port, socket }: World): Readonly<Record<string, ReadonlyArray<string>>> => ({
  "reading outside": [
    `cat ${folder}/secret`,
    `ls ${folder}`,
    "cat /etc/shadow",
    "ls /root",
    "ls /tmp",
    "ls /home",
    `ls ${Path.dirname(folder)}`,
    "cat /proc/1/environ",
    `cat /proc/${process.pid}/environ`,
    `ls /proc/${process.pid}/root/`,
    `readlink /proc/${process.pid}/fd/0`
  ],
  "writing outside": [
    `: > ${folder}/new`,
    `: > ${folder}/open`,
    `echo x >> ${folder}/open`,
    `truncate -s 0 ${folder}/open`,
    `mv ${folder}/open $HOME/`,
    `ln ${folder}/open $HOME/linked && echo x > $HOME/linked`,
    `ln -s ${folder}/open $HOME/link && echo x > $HOME/link`,
    `mkdir ${folder}/new`,
    `rm ${folder}/open`,
    ": > /tmp/new-file-of-a-sandbox",
    ": > /dev/shm/new-file-of-a-sandbox",
    ": > /proc/sys/kernel/core_pattern",
    python(`import os; os.setxattr("${folder}/open", "user.agb", b"x")`)
  ],
  "the network": [
    python(`import socket; socket.create_connection(("127.0.0.1", ${port}), 2)`),
    python("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"),
    python(`import socket; socket.socket(socket.AF_UNIX).connect("${socket}")`),
    python("import socket; socket.socket(socket.AF_UNIX).connect(bytes([0]) + b\"x\")"),
    python("import socket; socket.socket(40, 1)")
  ],
  "other processes": [
    `kill -0 ${process.pid}`,
    `kill -CONT ${process.pid}`,
    `kill -0 ${process.ppid}`,
    python(`import ctypes, sys; sys.exit(ctypes.CDLL(None).ptrace(16, ${process.pid}, 0, 0))`),
    python(`import resource; resource.prlimit(${neighbour}, resource.RLIMIT_NOFILE, (0, 0))`),
    python(`import os; os.setpriority(os.PRIO_PROCESS, ${neighbour}, 19)`),
    python("import os; os.setpriority(os.PRIO_USER, os.getuid(), 19)"),
    python(`import os; os.sched_setaffinity(${neighbour}, [0])`),
    python(`import os; os.sched_setscheduler(${neighbour}, os.SCHED_IDLE, os.sched_param(0))`),
    python(system(`251, 1, ${neighbour}, 3 << 13`)),
    `: > /proc/${neighbour}/oom_score_adj`
  ],
  "memory and queues of the machine": [
    python(system("29, 0, 4096, 0o1666")),
    python(system("68, 0, 0o1666")),
    python(system("64, 0, 1, 0o1666")),
    python(system("240, b\"agb-queue\", 0o102, 0o666, 0"))
  ],
  "what there is for all": [
    python(system("206, 1, ctypes.create_string_buffer(8)")),
    python("import resource, sys; sys.exit(resource.getrlimit(11)[1] <= 4096)"),
    python("import os, pty; pty.openpty()")
  ],
  "shedding its mark": [
    python("import resource; resource.setrlimit(15, (1, 1))"),
    python(system("160, 15, ctypes.create_string_buffer(16)")),
    "prlimit --pid $$ --rttime=1:1"
  ],
  "privileges": [
    "unshare -U true",
    "mount -t tmpfs none $HOME",
    "chroot / true",
    "grep -Eq '^CapEff:.*[1-9a-f]' /proc/self/status",
    ...(isRootInName ? [] : ["test $(id -u) = 0"])
  ]
})

export const landlockAttackNames: ReadonlyArray<string> = Object.keys(
  commands({ folder: "", port: 0, socket: "", neighbour: 0 })
)

const world = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-outside-"))
    Fs.chmodSync(folder, 0o777)
    for (const name of ["secret", "open"]) Fs.writeFileSync(Path.join(folder, name), "as it was", { mode: 0o666 })
    for (const name of ["secret", "open"]) Fs.chmodSync(Path.join(folder, name), 0o666)
    const servers = [Http.createServer(), Http.createServer()] as const
    const socket = Path.join(folder, "socket")
    await new Promise<void>((resolve) => servers[0].listen(0, "127.0.0.1", resolve))
    await new Promise<void>((resolve) => servers[1].listen(socket, resolve))
    Fs.chmodSync(socket, 0o777)
    const sleeper = spawn("sleep", ["600"], { stdio: "ignore" })
    return {
      folder,
      servers,
      sleeper,
      socket,
      neighbour: sleeper.pid ?? 0,
      port: (servers[0].address() as AddressInfo).port
    }
  }),
  ({ folder, servers, sleeper }) =>
    Effect.sync(() => {
      sleeper.kill("SIGKILL")
      for (const server of servers) server.close()
      Fs.rmSync(folder, { recursive: true })
    })
)

export interface LandlockOutcome {
  readonly succeeded: Readonly<Record<string, ReadonlyArray<string>>>
  readonly untouched: boolean
  /** What a session does all day, as it came out. */
  readonly works: string
  /** What a session says beside two that start all the processes that they may. */
  readonly beside: { readonly said: string; readonly isFew: boolean }
}

const output = (sandbox: Sandbox, command: string, timeoutMs = 20_000) =>
  Effect.map(
    sandbox.call({ op: "shell", command, timeoutMs }),
    ({ body, value }) => ({ text: Buffer.from(body).toString("utf8"), code: (value as { exitCode: number }).exitCode })
  )

const dailyWork = (sandbox: Sandbox) =>
  Effect.gen(function*() {
    const files = yield* output(
      sandbox,
      "cd; echo a > b; mkdir -p c/d; mv b c/d/; cat c/d/b; ls / >/dev/null 2>&1 || echo shut"
    )
    const code = yield* sandbox.call({
      op: "runCode",
      language: "javascript",
      code:
        "const fs = await import('node:fs'); fs.writeFileSync(process.env.HOME + '/x', '42'); console.log(fs.readFileSync(process.env.HOME + '/x', 'utf8'))",
      timeoutMs: 20_000
    })
    const job = yield* output(sandbox, "(sleep 60 &) ; (setsid sleep 60 >/dev/null 2>&1 &); kill -0 $$ && echo signals")
    return [files.text, Buffer.from(code.body).toString("utf8"), job.text].join("").trim().split("\n").join(" ")
  })

const processes = 48

/** Takes more than it may and keeps it, unless it is ended. */
const crowd = (marker: string) => `for i in $(seq ${2 * processes}); do sleep ${marker} & done 2>/dev/null; wait`

const besideCrowds = (isolation: Isolation) =>
  Effect.gen(function*() {
    const interpreters = yield* findInterpreters(isolation.confinement)
    const one = make({ isolation, interpreters, limits: { processes } })
    const neighbour = yield* one
    const marker = `85${process.pid}.${Math.floor(Math.random() * 1e6)}`
    const crowding = Effect.scoped(Effect.flatMap(one, (sandbox) => output(sandbox, crowd(marker), 180_000)))
    const fibers = yield* Effect.replicateEffect(Effect.fork(Effect.exit(crowding)), 2)
    const said: Array<string> = []
    for (let round = 0; round < 5; round++) {
      yield* Effect.sleep("200 millis")
      const answer = yield* Effect.either(output(neighbour, "sh -c 'sleep 0; sleep 0; echo well'"))
      said.push(answer._tag === "Right" ? answer.right.text.trim() : answer.left.message)
    }
    const isFew = yield* until(() => processesWith(marker).length <= 2 * processes)
    yield* Fiber.interruptAll(fibers)
    return { said: [...new Set(said)].join(" "), isFew }
  }).pipe(Effect.scoped)

const attack = (isolation: Isolation) =>
  Effect.gen(function*() {
    const outside = yield* world
    const interpreters = yield* findInterpreters(isolation.confinement)
    const sandbox = yield* make({ isolation, interpreters })
    const succeeded: Record<string, ReadonlyArray<string>> = {}
    for (const [name, tried] of Object.entries(commands(outside))) {
      succeeded[name] = yield* Effect.filter(tried, (command) =>
        Effect.map(output(sandbox, `( ${command} ) >/dev/null 2>&1`), ({ code }) => code === 0))
    }
    const untouched = Fs.readFileSync(Path.join(outside.folder, "open"), "utf8") === "as it was" &&
      Fs.readdirSync(outside.folder).length === 3
    return {
      succeeded,
      untouched,
      works: yield* dailyWork(sandbox),
      beside: yield* besideCrowds(isolation)
    } satisfies LandlockOutcome
  }).pipe(Effect.scoped)

export const attackLandlock: Effect.Effect<LandlockOutcome, unknown> = Effect.flatMap(probe("landlock"), attack)
