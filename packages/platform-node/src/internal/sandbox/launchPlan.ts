/** Where a sandbox lives and how its agent is started there: directories, environment, command. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Os from "node:os"
import type { Outbound } from "../egress/dial.js"
import { proxyPort } from "./channel/egressProxy.js"
import type { SandboxStartError } from "./channel/protocol.js"
import type { Confined, Confinement, Landlock, Unconfined } from "./confine/candidates.js"
import { hostIdentity } from "./confine/hostIdentity.js"
import { interpreterPath, type Interpreters } from "./confine/interpreters.js"
import { handOver, landlockLaunch } from "./confine/landlock.js"
import { confinedLaunch } from "./confine/launchSpec.js"
import { systemTool } from "./confine/programs.js"
import {
  agentFileInside,
  home,
  nodeInside,
  type SandboxLimits,
  type SandboxNetwork,
  searchPath,
  sharedMemory,
  temporary
} from "./confine/rootfs.js"
import { killStrays, strayTag } from "./disk/strays.js"
import { makeWorkspace, type Workspace } from "./disk/workspace.js"
import type { Launch } from "./process/launch.js"
import type { Ending } from "./process/process.js"

/** What a sandbox is made with. */
export interface Settings {
  readonly interpreters: Interpreters
  readonly limits: SandboxLimits
  readonly network: SandboxNetwork
  readonly outbound: Outbound | undefined
  readonly javaFolder: string | undefined
  readonly agent: string
}

/** A launch, and where user code finds itself. */
export interface Place {
  readonly launch: Launch
  readonly home: string
  readonly tmp: string
  /** The mount points of its own file systems in memory; empty where its files are on the disk. */
  readonly memoryFolders: ReadonlyArray<string>
  readonly ending: Ending
}

/** Inside an own root directory, or in a workspace on the disk of this machine. */
export const placeFor = (
  confinement: Confinement,
  settings: Settings
): Effect.Effect<Place, SandboxStartError, Scope.Scope> =>
  confinement._tag === "Landlock" || confinement._tag === "Unconfined"
    ? placeOnDisk(confinement, settings)
    : confinedPlace(confinement, settings)

const locale = { LANG: "C.UTF-8" }

const proxyHost = "127.0.0.1"
const proxyUrl = `http://${proxyHost}:${proxyPort}`
const directly = "localhost,127.0.0.1,::1,sandbox"

/** Which of the two spellings a program reads is its own choice. Node reads them from version 24 on, when told to. */
const proxyVariables: Readonly<Record<string, string>> = {
  ...{ http_proxy: proxyUrl, https_proxy: proxyUrl, all_proxy: proxyUrl, no_proxy: directly },
  ...{ HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl, ALL_PROXY: proxyUrl, NO_PROXY: directly },
  NODE_USE_ENV_PROXY: "1"
}

const agentConfig = (
  settings: Settings,
  node: string,
  place: {
    readonly home: string
    readonly tmp: string
    readonly env: Record<string, string>
    readonly confine?: boolean
  }
): string => {
  const path = (name: "python" | "java" | "r") => Option.getOrUndefined(interpreterPath(settings.interpreters[name]))
  return JSON.stringify({
    ...place,
    workdir: place.home,
    ...(settings.outbound === undefined ? {} : { proxy: { host: proxyHost, port: proxyPort } }),
    interpreters: { python: path("python"), node, java: path("java"), r: path("r") },
    limits: { maxOutputBytes: settings.limits.outputBytes, memoryBytes: settings.limits.memoryBytes }
  })
}

const confinedPlace = (how: Confined, settings: Settings): Effect.Effect<Place> => {
  const env = {
    ...locale,
    ...(settings.outbound === undefined ? {} : proxyVariables),
    PATH: searchPath(settings.interpreters),
    HOME: home,
    TMPDIR: temporary,
    USER: "user",
    LOGNAME: "user",
    SHELL: "/bin/sh"
  }
  const node = nodeInside()
  const config = agentConfig(settings, node, { home, tmp: temporary, env })
  return Effect.map(
    confinedLaunch(how, settings, [node, ...agentOptions, agentFileInside(settings.agent), config]),
    (launch) => ({
      launch,
      home,
      tmp: temporary,
      memoryFolders: [home, temporary, sharedMemory],
      ending: "killed" as const
    })
  )
}

/** Each thread that helps V8 keeps memory of its own, and there is little to help with. */
const agentOptions = ["--v8-pool-size=1"]

const userName = (): string => {
  try {
    return Os.userInfo().username
  } catch {
    return "user"
  }
}

/** Landlock's folders belong to the user of the sandbox, and it has no other environment than that of confined ones. */
const landlocked = (how: Landlock, workspace: Workspace, settings: Settings, env: Launch["environment"]) =>
  Effect.gen(function*() {
    const uid = how.entry === "dropped" ? yield* Effect.flatMap(hostIdentity, ({ sandboxUid }) => sandboxUid) : 0
    if (how.entry === "dropped") handOver(workspace, uid)
    return (program: ReadonlyArray<string>) => landlockLaunch(how, workspace, { ...settings, uid }, env, program)
  })

/** An agent that was stopped goes on when this process dies, finds its input at an end, and cleans up. */
const wakened = (program: ReadonlyArray<string>): Pick<Launch, "command" | "args"> => {
  const setpriv = systemTool("setpriv")
  const [command = "", ...args] = [...(setpriv === undefined ? [] : [setpriv, "--pdeathsig=CONT"]), ...program]
  return { command, args }
}

/** Without an own root the agent ends its children itself when its input ends; what is left is found by its tag. */
const placeOnDisk = (
  how: Landlock | Unconfined,
  settings: Settings
): Effect.Effect<Place, SandboxStartError, Scope.Scope> =>
  Effect.gen(function*() {
    const workspace = yield* makeWorkspace
    const tag = yield* strayTag
    yield* Effect.addFinalizer(() => killStrays(tag))
    const env = {
      ...locale,
      ...tag,
      PATH: how._tag === "Landlock" ? searchPath(settings.interpreters) : process.env.PATH ?? "/usr/bin:/bin",
      HOME: workspace.home,
      TMPDIR: workspace.tmp,
      USER: userName()
    }
    const place = { home: workspace.home, tmp: workspace.tmp, env, confine: true }
    const config = agentConfig(settings, process.execPath, place)
    const launch: Launch = how._tag === "Landlock"
      ? (yield* landlocked(how, workspace, settings, env))([process.execPath, ...agentOptions, settings.agent, config])
      : {
        ...wakened([process.execPath, ...agentOptions, settings.agent, config]),
        environment: env,
        descriptors: [],
        cwd: workspace.home,
        uid: undefined
      }
    return { launch, home: workspace.home, tmp: workspace.tmp, memoryFolders: [], ending: "asked" as const }
  })
