/** The directory of a session without isolation, on the host's own disk, and the removal of those left behind. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { SandboxStartError } from "./sandboxProtocol.js"

export interface Workspace {
  readonly root: string
  readonly home: string
  readonly tmp: string
}

const prefix = "agb-session-"
const ownerFile = "owner.json"

/** Who removes the directory. A process id says little alone: it is given out again, and means another elsewhere. */
const Owner = Schema.parseJson(Schema.Struct({
  host: Schema.String,
  pidNamespace: Schema.NullOr(Schema.String),
  pid: Schema.Int,
  startTime: Schema.NullOr(Schema.String),
  bootId: Schema.NullOr(Schema.String)
}))

const textOf = (path: string): string | null => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return null
  }
}

const bootId = () => textOf("/proc/sys/kernel/random/boot_id")?.trim() ?? null

/** Field 22 of the process's stat line; the name before it may hold spaces and parentheses. */
const startTime = (pid: number) => textOf(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ")[19] ?? null

const pidNamespace = (): string | null => {
  try {
    return Fs.readlinkSync("/proc/self/ns/pid")
  } catch {
    return null
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

const self = (): typeof Owner.Type => ({
  host: Os.hostname(),
  pidNamespace: pidNamespace(),
  pid: process.pid,
  startTime: startTime(process.pid),
  bootId: bootId()
})

const create = (): Workspace => {
  const root = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), prefix))
  Fs.writeFileSync(Path.join(root, ownerFile), Schema.encodeSync(Owner)(self()))
  const workspace = { root, home: Path.join(root, "home"), tmp: Path.join(root, "tmp") }
  Fs.mkdirSync(workspace.home, { mode: 0o700 })
  Fs.mkdirSync(workspace.tmp, { mode: 0o700 })
  return workspace
}

/** Sandboxed code may have locked its own directories. */
const unlock = (folder: string): void => {
  Fs.chmodSync(folder, 0o700)
  for (const entry of Fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(Path.join(folder, entry.name))
  }
}

const remove = (root: string): Effect.Effect<void> => {
  const attempt = Effect.tryPromise(() => Fs.promises.rm(root, { recursive: true, force: true, maxRetries: 3 }))
  return attempt.pipe(
    Effect.orElse(() => Effect.zipRight(Effect.try(() => unlock(root)), attempt)),
    Effect.catchAll((error) => Effect.logWarning(`Could not remove ${root}`, error))
  )
}

/** A fresh directory that only this user may enter; gone with the scope. */
export const makeWorkspace: Effect.Effect<Workspace, SandboxStartError, Scope.Scope> = Effect.acquireRelease(
  Effect.try({
    try: create,
    catch: (error) => new SandboxStartError({ reason: `no workspace directory: ${String(error)}` })
  }),
  ({ root }) => remove(root)
)

/** Whether the owner is known to be gone: of another machine or container nothing is known. */
const isGone = (owner: typeof Owner.Type): boolean => {
  const here = self()
  if (owner.host !== here.host) return false
  if (owner.bootId !== here.bootId) return true
  return owner.pidNamespace === here.pidNamespace &&
    (!isAlive(owner.pid) || owner.startTime !== startTime(owner.pid))
}

/** A directory without a readable owner is in the making, or was left half made. */
const stillInTheMaking = 600_000

const isAbandoned = (root: string): boolean => {
  const found = Fs.lstatSync(root)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
  return Either.match(Schema.decodeUnknownEither(Owner)(textOf(Path.join(root, ownerFile))), {
    onLeft: () => Date.now() - found.mtimeMs > stillInTheMaking,
    onRight: isGone
  })
}

const abandoned = Effect.sync(() => {
  const parent = Fs.realpathSync(Os.tmpdir())
  const named = Fs.readdirSync(parent).filter((name) => name.startsWith(prefix)).map((name) => Path.join(parent, name))
  return named.filter((root) => {
    try {
      return isAbandoned(root)
    } catch {
      return false
    }
  })
})

/** Removes the directories of this user's sessions whose process has ended without removing them. */
export const sweepWorkspaces: Effect.Effect<void> = abandoned.pipe(
  Effect.flatMap(Effect.forEach(remove, { discard: true })),
  Effect.catchAllDefect((defect) => Effect.logWarning("Could not look for abandoned workspaces", defect))
)
