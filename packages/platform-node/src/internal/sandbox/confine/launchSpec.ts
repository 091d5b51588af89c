/** The exact command line that starts a program in a sandbox, for each mechanism. */
import * as Effect from "effect/Effect"
import type { Launch } from "../process/launch.js"
import { bwrapArguments } from "./bwrap.js"
import type { Bwrap, Confined, Unshare } from "./candidates.js"
import { countedHostProcesses, hostIdentity } from "./hostIdentity.js"
import { rootfsContents, type RootfsOptions } from "./rootfs.js"
import { unshareArguments } from "./unshare.js"

export type LaunchOptions = Omit<RootfsOptions, "uid">

/** The user of a sandbox within its user namespace. */
const uidInNamespace = 1000

const viaBwrap = (how: Bwrap, options: RootfsOptions, outer: number, program: ReadonlyArray<string>): Launch => {
  const { args, descriptors } = bwrapArguments(how, rootfsContents(options), options, program)
  return {
    command: how.program,
    args,
    environment: {},
    descriptors,
    cwd: "/",
    uid: how.entry === "dropped" ? outer : undefined
  }
}

const viaUnshare = (how: Unshare, options: RootfsOptions, outer: number, program: ReadonlyArray<string>): Launch => ({
  command: how.setpriv,
  args: unshareArguments(how, rootfsContents(options), options, program),
  environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  descriptors: [],
  cwd: "/",
  uid: how.entry === "dropped" ? outer : undefined
})

/** `program` is a command line with paths inside the sandbox. Every launch gets a user id of its own where possible. */
export const confinedLaunch = (
  how: Confined,
  options: LaunchOptions,
  program: ReadonlyArray<string>
): Effect.Effect<Launch> =>
  Effect.gen(function*() {
    const identity = yield* hostIdentity
    const outer = yield* identity.sandboxUid
    const beside = how.entry === "caller" ? countedHostProcesses() : 0
    const limits = { ...options.limits, processes: options.limits.processes + beside }
    const withUid = { ...options, limits, uid: how.entry === "root" ? outer : uidInNamespace }
    return how._tag === "Bwrap" ? viaBwrap(how, withUid, outer, program) : viaUnshare(how, withUid, outer, program)
  })
