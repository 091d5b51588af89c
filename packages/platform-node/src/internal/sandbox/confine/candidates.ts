/** The mechanisms that might confine a sandbox on this machine, best first, before any of them is tried. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Path from "node:path"
import { findAgent, typeStripperFolder } from "./agentFolder.js"
import { type HostIdentity, hostIdentity, reachableByAnyone } from "./hostIdentity.js"
import { onPath, systemTool } from "./programs.js"

/**
 * The user that the sandbox tool runs as: the user of this process (`caller`), a user id that owns nothing, in a user
 * namespace (`dropped`), or root without a user namespace, which drops its privileges inside (`root`).
 */
export type Entry = "caller" | "dropped" | "root"

export interface Bwrap {
  readonly _tag: "Bwrap"
  readonly entry: Entry
  readonly program: string
  readonly disableUserns: boolean
  /** Whether its user namespace is given limits of its own. */
  readonly boundsNamespace: boolean
}

export interface Unshare {
  readonly _tag: "Unshare"
  readonly entry: Entry
  readonly unshare: string
  readonly setpriv: string
  readonly ip: string | undefined
  readonly perl: string | undefined
}

/** Without namespaces: a process restricts itself by Landlock and seccomp. */
export interface Landlock {
  readonly _tag: "Landlock"
  readonly entry: "caller" | "dropped"
  readonly perl: string
  /** Whether the keeper of its memory limits its processes too. */
  readonly limitsProcesses: boolean
}

export interface Unconfined {
  readonly _tag: "Unconfined"
}

export type Confined = Bwrap | Unshare
export type Confinement = Confined | Landlock | Unconfined

const languages = ["python3", "java", "Rscript"]

/** Whether a user id that owns nothing can reach the agent, Node and an interpreter of each language. */
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

const inside = (tool: string | undefined) =>
  tool !== undefined && Path.dirname(tool).startsWith("/usr") ? tool : undefined

/**
 * Without `--disable-userns` too: older or setuid bubblewrap rejects it, and the seccomp filter alone does the same. And
 * without bounds, which such a bubblewrap may not give the capabilities for.
 */
const bwraps = (entries: ReadonlyArray<Entry>): ReadonlyArray<Bwrap> => {
  const program = systemTool("bwrap")
  if (program === undefined) return []
  const canBound = inside(systemTool("setpriv")) !== undefined
  return entries.flatMap((entry) =>
    (entry === "caller" && canBound ? [true, false] : [false]).flatMap((boundsNamespace) =>
      (entry === "root" ? [false] : [true, false]).map((disableUserns): Bwrap => ({
        _tag: "Bwrap",
        entry,
        program,
        disableUserns,
        boundsNamespace
      }))
    )
  )
}

const unshares = (entries: ReadonlyArray<Entry>): ReadonlyArray<Unshare> => {
  const [unshare, setpriv] = [systemTool("unshare"), systemTool("setpriv")]
  if (unshare === undefined || setpriv === undefined) return []
  const [ip, perl] = [systemTool("ip"), inside(systemTool("perl"))]
  return entries.map((entry): Unshare => ({ _tag: "Unshare", entry, unshare, setpriv, ip, perl }))
}

export const candidates: Effect.Effect<ReadonlyArray<Confined>> = Effect.gen(function*() {
  if (process.platform !== "linux") return []
  const ways = entries(yield* hostIdentity)
  return [...bwraps(ways), ...unshares(ways)]
})

/** For machines without namespaces; undefined where a precondition is missing. */
export const landlockCandidate: Effect.Effect<Landlock | undefined> = Effect.gen(function*() {
  const perl = systemTool("perl")
  if (process.platform !== "linux" || perl === undefined) return undefined
  const { drops } = yield* hostIdentity
  if (drops && !canDropUser()) return undefined
  return { _tag: "Landlock", entry: drops ? "dropped" : "caller", perl, limitsProcesses: false }
})
