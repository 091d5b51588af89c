/** The ways in which this machine might confine a sandbox, best first, before any of them has been tried. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Path from "node:path"
import { findAgent, typeStripperFolder } from "./agentFolder.js"
import { type HostIdentity, hostIdentity, reachableByAnyone } from "./hostIdentity.js"
import { onPath, systemTool } from "./programs.js"

/**
 * How the program that builds the sandbox is started: as the user who runs this process; as a user id that owns nothing,
 * with a user namespace around it; or as root, giving up root inside, which needs no user namespace.
 */
export type Entry = "caller" | "dropped" | "root"

export interface Bwrap {
  readonly _tag: "Bwrap"
  readonly entry: Entry
  readonly program: string
  readonly disableUserns: boolean
}

export interface Unshare {
  readonly _tag: "Unshare"
  readonly entry: Entry
  readonly unshare: string
  readonly setpriv: string
  readonly ip: string | undefined
  readonly perl: string | undefined
}

/** Without namespaces: by what the kernel lets a process give up for itself. */
export interface Landlock {
  readonly _tag: "Landlock"
  readonly entry: "caller" | "dropped"
  readonly perl: string
}

export interface Unconfined {
  readonly _tag: "Unconfined"
}

export type Confined = Bwrap | Unshare
export type Confinement = Confined | Landlock | Unconfined

const languages = ["python3", "java", "Rscript"]

/** A user id that owns nothing is no use where only root can come to the agent, to Node or to an interpreter. */
const canDropUser = (): boolean => {
  const agent = findAgent()
  return Either.isRight(agent) &&
    [agent.right.folder, typeStripperFolder(), process.execPath].every(reachableByAnyone) &&
    languages.map(onPath).every((found) => found.length === 0 || found.some(reachableByAnyone))
}

const entries = (identity: HostIdentity): ReadonlyArray<Entry> => {
  if (!identity.drops) return ["caller"]
  return canDropUser() ? ["dropped", "root"] : ["root"]
}

/** The option is younger than the rest, and a bubblewrap that is setuid refuses it: then the filter does its work alone. */
const bwraps = (entries: ReadonlyArray<Entry>): ReadonlyArray<Bwrap> => {
  const program = systemTool("bwrap")
  if (program === undefined) return []
  return entries.flatMap((entry) =>
    (entry === "root" ? [false] : [true, false]).map((disableUserns): Bwrap => ({
      _tag: "Bwrap",
      entry,
      program,
      disableUserns
    }))
  )
}

const unshares = (entries: ReadonlyArray<Entry>): ReadonlyArray<Unshare> => {
  const [unshare, setpriv] = [systemTool("unshare"), systemTool("setpriv")]
  if (unshare === undefined || setpriv === undefined) return []
  const inside = (tool: string | undefined) =>
    tool !== undefined && Path.dirname(tool).startsWith("/usr") ? tool : undefined
  const [ip, perl] = [systemTool("ip"), inside(systemTool("perl"))]
  return entries.map((entry): Unshare => ({ _tag: "Unshare", entry, unshare, setpriv, ip, perl }))
}

export const candidates: Effect.Effect<ReadonlyArray<Confined>> = Effect.gen(function*() {
  if (process.platform !== "linux") return []
  const ways = entries(yield* hostIdentity)
  return [...bwraps(ways), ...unshares(ways)]
})

/** The way for machines without namespaces; undefined where it is not even worth a try. */
export const landlockCandidate: Effect.Effect<Landlock | undefined> = Effect.gen(function*() {
  const perl = systemTool("perl")
  if (process.platform !== "linux" || perl === undefined) return undefined
  const { drops } = yield* hostIdentity
  if (drops && !canDropUser()) return undefined
  return { _tag: "Landlock", entry: drops ? "dropped" : "caller", perl }
})
