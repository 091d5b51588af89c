/** Where a sandbox lives and how its agent is started there: directories, environment, command line. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as Os from "node:os"
import { anyFirstMark, type Marks, marksAmongOthers, marksOfAll } from "../agentWire/marks.js"
import type { Egress } from "../egress/dial.js"
import { proxyPort } from "./channel/egressProxy.js"
import type { SandboxStartError } from "./channel/protocol.js"
import type { Confined, Confinement, Landlock, Unconfined } from "./confine/candidates.js"
import { hostIdentity } from "./confine/hostIdentity.js"
import { interpreterPath, type Interpreters } from "./confine/interpreters.js"
import { chownWorkspace, landlockLaunch } from "./confine/landlock.js"
import { confinedLaunch } from "./confine/launchSpec.js"
import { javaProgramFolders } from "./confine/limitsInside.js"
import { systemTool } from "./confine/programs.js"
import {
  agentFileInside,
  home,
  homes,
  nodeInside,
  rLibrary,
  type SandboxLimits,
  type SandboxNetwork,
  searchPath,
  sharedMemory,
  tmp
} from "./confine/rootfs.js"
import { killStrays } from "./disk/strays.js"
import { makeWorkspace, straysOf, type Workspace } from "./disk/workspace.js"
import type { Launch } from "./process/launch.js"
import type { OwnPlaces } from "./process/offeredFile.js"
import type { Termination } from "./process/process.js"

/** What a sandbox is made with. */
export interface SandboxSettings {
  readonly interpreters: Interpreters
  readonly limits: SandboxLimits
  readonly network: SandboxNetwork
  readonly egress: Egress | undefined
  readonly javaFolder: string | undefined
  readonly agent: string
}

/** A launch, and the directories as user code sees them. */
export interface LaunchPlan {
  readonly launch: Launch
  readonly home: string
  readonly tmp: string
  /** The mount points of its own file systems in memory; empty where its files are on disk. */
  readonly tmpfsMounts: ReadonlyArray<string>
  readonly ownPlaces: OwnPlaces
  readonly termination: Termination
}

/** In a root directory of its own, or in a workspace on this machine's disk. */
export const planLaunch = (
  confinement: Confinement,
  settings: SandboxSettings
): Effect.Effect<LaunchPlan, SandboxStartError, Scope.Scope> =>
  confinement._tag === "Landlock" || confinement._tag === "Unconfined"
    ? planOnDisk(confinement, settings)
    : planInNamespaces(confinement, settings)

const locale = { LANG: "C.UTF-8" }

/** Where pip, npm and others put the programs of packages that a session installs. */
const withOwnPrograms = (home: string, path: ReadonlyArray<string>): string => [`${home}/.local/bin`, ...path].join(":")

/**
 * Lets pip install into the home directory of a session although the Python is managed by its system (PEP 668). Not where
 * it could write to the system.
 */
const pipVariables = (canWriteToSystem: boolean): Readonly<Record<string, string>> => ({
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  ...(canWriteToSystem ? {} : { PIP_BREAK_SYSTEM_PACKAGES: "1" })
})

interface Folders {
  readonly home: string
  readonly rLibrary: string
}

/** Packages that `npm -g` and R install go into folders of the session, where Node and R find them. */
const packageVariables = (
  folders: Folders,
  { egress, network }: SandboxSettings
): Readonly<Record<string, string>> => ({
  NPM_CONFIG_PREFIX: `${folders.home}/.local`,
  NODE_PATH: `${folders.home}/.local/lib/node_modules`,
  R_LIBS_USER: folders.rLibrary,
  ...(network === "none" && egress === undefined ? withoutRetries : {})
})

/** Without a network, installers would wait and try again for a minute before they say that there is none. */
const withoutRetries = { PIP_RETRIES: "0", NPM_CONFIG_FETCH_RETRIES: "0" }

const proxyHost = "127.0.0.1"
const proxyUrl = `http://${proxyHost}:${proxyPort}`
const noProxy = "localhost,127.0.0.1,::1,sandbox"

/** In both spellings, since programs differ in which they read. Node 24 and newer reads them with the last variable. */
const proxyVariables: Readonly<Record<string, string>> = {
  ...{ http_proxy: proxyUrl, https_proxy: proxyUrl, all_proxy: proxyUrl, no_proxy: noProxy },
  ...{ HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl, ALL_PROXY: proxyUrl, NO_PROXY: noProxy },
  NODE_USE_ENV_PROXY: "1"
}

interface AgentDirectories {
  readonly home: string
  readonly tmp: string
  readonly env: Record<string, string>
  /** Whether the agent itself has to confine file tools to these directories. */
  readonly confine?: boolean
  readonly marks?: Marks
}

const agentConfig = (settings: SandboxSettings, node: string, directories: AgentDirectories): string => {
  const path = (name: "python" | "java" | "r") => Option.getOrUndefined(interpreterPath(settings.interpreters[name]))
  return JSON.stringify({
    ...directories,
    workdir: directories.home,
    ...(settings.egress === undefined ? {} : { proxy: { host: proxyHost, port: proxyPort } }),
    interpreters: { python: path("python"), node, java: path("java"), r: path("r") },
    limits: { maxOutputBytes: settings.limits.outputBytes, memoryBytes: settings.limits.memoryBytes }
  })
}

/** V8's helper threads each use memory of their own, and the agent has little work for them. */
const agentOptions = ["--v8-pool-size=1"]

/** Mount points, which nobody inside can put something else in the place of. */
const tmpfsMounts: ReadonlyArray<string> = [homes, tmp, sharedMemory]

const planInNamespaces = (how: Confined, settings: SandboxSettings): Effect.Effect<LaunchPlan> => {
  const env = {
    ...locale,
    ...pipVariables(false),
    ...packageVariables({ home, rLibrary }, settings),
    ...(settings.egress === undefined ? {} : proxyVariables),
    PATH: withOwnPrograms(home, [...javaProgramFolders(settings.interpreters), searchPath(settings.interpreters)]),
    HOME: home,
    TMPDIR: tmp,
    USER: "user",
    LOGNAME: "user",
    SHELL: "/bin/sh"
  }
  const node = nodeInside()
  const config = agentConfig(settings, node, { home, tmp, env, marks: marksOfAll(anyFirstMark()) })
  return Effect.map(
    confinedLaunch(how, settings, [node, ...agentOptions, agentFileInside(settings.agent), config]),
    (launch) => {
      const ownPlaces = { _tag: "Mounts" as const, paths: tmpfsMounts }
      return { launch, home, tmp, tmpfsMounts, ownPlaces, termination: "killNamespace" as const }
    }
  )
}

const userName = (): string => {
  try {
    return Os.userInfo().username
  } catch {
    return "user"
  }
}

/** The workspace belongs to the sandbox's user. */
const landlocked = (how: Landlock, workspace: Workspace, settings: SandboxSettings, env: Launch["environment"]) =>
  Effect.gen(function*() {
    const uid = how.entry === "dropped" ? yield* Effect.flatMap(hostIdentity, ({ sandboxUid }) => sandboxUid) : 0
    if (how.entry === "dropped") chownWorkspace(workspace, uid)
    return (program: ReadonlyArray<string>) => landlockLaunch(how, workspace, { ...settings, uid }, env, program)
  })

/** Sends SIGCONT when this process dies: a stopped agent then continues, finds its stdin closed, and cleans up. */
const withPdeathsig = (program: ReadonlyArray<string>): Pick<Launch, "command" | "args"> => {
  const setpriv = systemTool("setpriv")
  const [command = "", ...args] = [...(setpriv === undefined ? [] : [setpriv, "--pdeathsig=CONT"]), ...program]
  return { command, args }
}

/** Without a PID namespace the agent kills its own descendants; those that escaped it are found by their marks. */
const planOnDisk = (
  how: Landlock | Unconfined,
  settings: SandboxSettings
): Effect.Effect<LaunchPlan, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const workspace = yield* makeWorkspace
    const { home, tmp } = workspace
    const strays = straysOf(workspace.root)
    yield* Effect.addFinalizer(() => killStrays(strays))
    const isLandlock = how._tag === "Landlock"
    const path = isLandlock ? searchPath(settings.interpreters) : process.env.PATH ?? "/usr/bin:/bin"
    const env = {
      ...locale,
      ...pipVariables(!isLandlock && process.getuid?.() === 0),
      ...packageVariables(workspace, settings),
      AGB_SANDBOX: randomBytes(16).toString("hex"),
      PATH: withOwnPrograms(home, [path]),
      HOME: home,
      TMPDIR: tmp,
      USER: userName()
    }
    const marks = (isLandlock ? marksOfAll : marksAmongOthers)(strays.firstMark)
    const config = agentConfig(settings, process.execPath, { home, tmp, env, confine: true, marks })
    const program = [process.execPath, ...agentOptions, settings.agent, config]
    const launch: Launch = how._tag === "Landlock"
      ? (yield* landlocked(how, workspace, settings, env))(program)
      : { ...withPdeathsig(program), environment: env, descriptors: [], cwd: home, uid: undefined }
    const ownPlaces = { _tag: "Folders" as const, paths: [home, tmp] }
    return { launch, home, tmp, tmpfsMounts: [], ownPlaces, termination: "graceful" as const }
  })
