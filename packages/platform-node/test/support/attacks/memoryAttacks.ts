/** Code that takes memory in every way it can, in sandboxes with little of it. */
import { Effect, Option } from "effect"
import { findInterpreters } from "../../../src/internal/sandbox/languages/interpreterSearch.js"
import { makeWatchdog } from "../../../src/internal/sandbox/memory/watchdog.js"
import { canInspectSandboxes } from "../../../src/internal/sandbox/process/procAccess.js"
import { make, type Sandbox } from "../../../src/internal/sandbox/sandbox.js"
import { type Isolation, probe, probeAll } from "../../../src/Isolation.js"

const mebibyte = 1024 * 1024
export const limitInMebibytes = 192
const limit = limitInMebibytes * mebibyte

/** Each prints how many MiB it has taken, tries for six times the limit, and then says that nothing stopped it. */
const most = 6 * limitInMebibytes

const python = (lines: ReadonlyArray<string>) =>
  `python3 -u - <<'CODE'\n${["import mmap, os, sys, time", ...lines, "print('unstopped')"].join("\n")}\nCODE`

const step = 16

const growing = (...lines: ReadonlyArray<string>) =>
  python([
    "kept = []",
    `block = b'x' * (${step} << 20)`,
    `for done in range(0, ${most}, ${step}):`,
    ...lines.map((line) => `  ${line}`),
    `  print(done + ${step})`
  ])

const many = [
  "for child in range(60):",
  "  if os.fork() == 0:",
  `    block = b'x' * (${Math.ceil(most / 60)} << 20)`,
  "    os.write(1, b'1\\n')",
  "    time.sleep(4)",
  "    os._exit(0)",
  "results = [os.wait()[1] for child in range(60)]",
  "if any(results): sys.exit('killed')"
]

const emptyFiles = [
  `for number in range(${most} * 1024):`,
  "  os.close(os.open('/tmp/' + str(number), os.O_CREAT))",
  "  if number % (16 * 1024) == 0: print(number // 1024)"
]

/** One touched byte in two mebibytes needs a whole page of page tables. */
const pageTables = [
  `for done in range(0, ${most}, 32):`,
  "  flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, 'MAP_NORESERVE', 0x4000)",
  "  area = mmap.mmap(-1, 16 << 30, flags=flags, prot=mmap.PROT_READ)",
  "  if hasattr(mmap, 'MADV_NOHUGEPAGE'): area.madvise(mmap.MADV_NOHUGEPAGE)",
  "  globals().setdefault('kept', []).append(area)",
  "  for at in range(0, 16 << 30, 2 << 20): area[at]",
  "  print(done + 32)"
]

const sockets = [
  "kept = []",
  "import resource, socket",
  "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)",
  "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))",
  "for child in range(60):",
  "  if os.fork() == 0: continue",
  "  break",
  "for pair in range(1500):",
  "  a, b = socket.socketpair()",
  "  a.setblocking(False)",
  "  kept.append((a, b))",
  "  try:",
  "    while True: a.send(b'x' * 65536)",
  "  except BlockingIOError: pass"
]

/** What arrives at the limit is dropped, so nothing fails: it prints how much was kept. */
const datagrams = python([
  "import socket",
  "kept = []",
  "for number in range(400):",
  "  a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
  "  a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)",
  "  a.bind(('127.0.0.1', 0))",
  "  a.setblocking(False)",
  "  kept.append(a)",
  "  try:",
  "    for part in range(150): a.sendto(b'x' * 60000, a.getsockname())",
  "  except BlockingIOError: pass",
  "total = 0",
  "for a in kept:",
  "  try:",
  "    while True: total += len(a.recv(65536))",
  "  except BlockingIOError: pass",
  "print(total >> 20)",
  "sys.exit()"
])

interface MemoryAttack {
  readonly name: string
  readonly command: string
  /** Whether only a keeper that sees the memory of the kernel can stop it. */
  readonly needsKernel?: boolean
  /** Whether it works only where files are in memory. */
  readonly needsFiles?: boolean
  /** Whether there is nothing to take where memory files do not exist. */
  readonly needsMemoryFiles?: boolean
  /** Whether what it takes too much is dropped, and nothing has to be killed for it. */
  readonly isDropped?: boolean
  /** Whether it is enough to end a process, and so the session must live on. */
  readonly mustSurvive?: boolean
}

export const memoryAttacks: ReadonlyArray<MemoryAttack> = [
  {
    name: "shared mappings",
    command: growing(`kept.append(mmap.mmap(-1, ${step} << 20)); kept[-1].write(block)`),
    mustSurvive: true
  },
  {
    name: "memory files that nobody maps",
    command: growing("kept.append(os.memfd_create('x')); os.write(kept[-1], block)"),
    needsMemoryFiles: true,
    mustSurvive: true
  },
  { name: "many processes", command: python(many), mustSurvive: true },
  { name: "empty files", command: python(emptyFiles), needsFiles: true },
  { name: "page tables", command: python(pageTables), mustSurvive: true },
  { name: "socket buffers", command: python(sockets), needsKernel: true },
  { name: "datagrams", command: datagrams, needsKernel: true, isDropped: true, mustSurvive: true }
]

export interface MemoryOutcome {
  readonly isolation: string
  readonly hasFilesInMemory: boolean
  readonly countsFiles: boolean
  readonly hasMemoryFiles: boolean
  /** Whether it is the attacker that ends: with Landlock the agent cannot offer it to the kernel in its own place. */
  readonly sparesAgent: boolean
  readonly keeper: string
  readonly attack: string
  readonly output: string
  /** What was told when the session ended, where it did. */
  readonly lost: string | undefined
  readonly answersAfterwards: boolean
  readonly neighbourAnswers: boolean
  /** How many MiB the attack says it has got; unknown where it does not count. */
  readonly taken: number
}

const shell = (sandbox: Sandbox, command: string, timeoutMs: number) =>
  Effect.map(
    sandbox.call({ op: "shell", command, timeoutMs }),
    ({ body }) => Buffer.from(body).toString("utf8")
  )

const attempt = (isolation: Isolation, { command, name }: MemoryAttack) =>
  Effect.gen(function*() {
    const interpreters = yield* findInterpreters(isolation.confinement)
    const limits = { memoryBytes: limit, workspaceBytes: limit / 4, processes: 128 }
    const sandbox = yield* make({ isolation, interpreters, limits })
    const neighbour = yield* make({ isolation, interpreters, limits })
    const attacking = yield* Effect.fork(Effect.either(shell(sandbox, command, 40_000)))
    yield* Effect.sleep("300 millis")
    const answer = yield* Effect.either(shell(neighbour, "echo $((6 * 7))", 10_000))
    const result = yield* attacking
    const after = yield* Effect.either(shell(sandbox, "echo alive", 10_000))
    const output = result._tag === "Right" ? result.right : ""
    const taken = Math.max(0, ...output.split("\n").filter((line) => /^\d+$/.test(line)).map(Number))
    return {
      isolation: isolation.description,
      countsFiles: isolation.memory?.countsKernelMemory === true || canInspectSandboxes(),
      hasMemoryFiles: canInspectSandboxes(),
      hasFilesInMemory: isolation.level === "namespaces",
      sparesAgent: isolation.level !== "landlock" || isolation.memory?.countsKernelMemory !== true,
      keeper: isolation.memory?.description ?? "none",
      attack: name,
      output: output.slice(-400),
      lost: result._tag === "Left" ? result.left.message : after._tag === "Left" ? after.left.message : undefined,
      answersAfterwards: after._tag === "Right" && after.right.includes("alive"),
      neighbourAnswers: answer._tag === "Right" && answer.right.includes("42"),
      taken
    } satisfies MemoryOutcome
  }).pipe(Effect.scoped)

const isFirstOfItsKind = ({ mechanism }: Isolation, index: number, all: ReadonlyArray<Isolation>) =>
  all.findIndex((other) => other.mechanism === mechanism) === index

/** Every attack on every mechanism, also with the keeper that does without control groups. */
export const attackMemory: Effect.Effect<ReadonlyArray<MemoryOutcome>, unknown> = Effect.gen(function*() {
  const found = [...(yield* probeAll), ...Option.toArray(yield* Effect.option(probe("landlock")))].filter(
    isFirstOfItsKind
  )
  const watched = found.map((isolation): Isolation => ({ ...isolation, memory: makeWatchdog() }))
  const all = found.some(({ memory }) => memory?.countsKernelMemory) ? [...found.slice(0, 1), ...watched] : watched
  return yield* Effect.forEach(
    all.flatMap((isolation) =>
      memoryAttacks.filter(({ needsKernel }) => !needsKernel || isolation.memory?.countsKernelMemory)
        .filter(({ needsFiles }) => !needsFiles || isolation.level === "namespaces")
        .map((attack) => [isolation, attack] as const)
    ),
    ([isolation, attack]) => attempt(isolation, attack)
  )
})
