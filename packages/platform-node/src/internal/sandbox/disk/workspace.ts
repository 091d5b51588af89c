/** The directory on the host's disk of a session without a root file system of its own. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { SandboxStartError } from "../channel/protocol.js"
import { ownedDirectory, sweepDirectories } from "./ownedDirectory.js"
import type { Strays } from "./sessionProcesses.js"
import { firstMarkOf, killStrays } from "./strays.js"

export interface Workspace {
  readonly root: string
  readonly home: string
  readonly tmp: string
  /** Where R installs packages. */
  readonly rLibrary: string
}

const prefix = "agb-session-"

/** What belongs to the user of the session. */
export const userFolders = ({ home, rLibrary, tmp }: Workspace): ReadonlyArray<string> => [home, tmp, rLibrary]

const homeIn = (root: string) => Path.join(root, "home")

const createFolders = (root: string): Workspace => {
  const workspace = { root, home: homeIn(root), tmp: Path.join(root, "tmp"), rLibrary: Path.join(root, "r-library") }
  for (const folder of userFolders(workspace)) Fs.mkdirSync(folder, { mode: 0o700 })
  return workspace
}

const failed = (reason: string) => new SandboxStartError({ reason: `no workspace directory: ${reason}` })

/** A new directory, accessible to this user only and removed with the scope. */
export const makeWorkspace: Effect.Effect<Workspace, SandboxStartError, Scope.Scope> = ownedDirectory(prefix).pipe(
  Effect.mapError(({ reason }) => failed(reason)),
  Effect.flatMap((root) => Effect.try({ try: () => createFolders(root), catch: (error) => failed(String(error)) }))
)

/** The processes of the session whose workspace this is. */
export const straysOf = (root: string): Strays => ({
  environment: `HOME=${homeIn(root)}\0`,
  firstMark: firstMarkOf(root)
})

/** Removes workspaces of this user whose host was killed, and kills what still runs in them. */
export const sweepWorkspaces: Effect.Effect<void> = sweepDirectories(
  prefix,
  (root) => killStrays(straysOf(root))
)
