/** The root file system of a sandbox, as data from which every mechanism builds it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { typeStripperFolder } from "./agentFolder.js"
import { interpreterFolders, type Interpreters } from "./interpreters.js"
import { javaProgram, memoryLimitFiles } from "./limitsInside.js"

/** Resource limits of one sandbox. */
export interface SandboxLimits {
  /** Size of the home directory and of /tmp, each, and of any one file. */
  readonly workspaceBytes: number
  /** Memory of the whole session, files included; also the data segment of one process. */
  readonly memoryBytes: number
  /** Processes and threads together. */
  readonly processes: number
  /** Output of one call that is kept, per stream. */
  readonly outputBytes: number
  /** Longest timeout that a call may request. */
  readonly longestCallMillis: number
}

export const defaultLimits: SandboxLimits = {
  workspaceBytes: 2 * 1024 * 1024 * 1024,
  memoryBytes: 4 * 1024 * 1024 * 1024,
  processes: 512,
  outputBytes: 1024 * 1024,
  longestCallMillis: 24 * 60 * 60 * 1000
}

/** `host` shares the network of this machine, including services on loopback. */
export type SandboxNetwork = "none" | "host"

/**
 * The parts of a root file system; paths are those inside. `binds` are read-only, `memory` are tmpfs mounts of a fixed size,
 * `folders` are created in them.
 */
export interface RootfsContents {
  readonly links: ReadonlyArray<readonly [target: string, path: string]>
  readonly binds: ReadonlyArray<readonly [source: string, path: string]>
  readonly files: ReadonlyArray<readonly [path: string, text: string, mode?: string]>
  readonly memory: ReadonlyArray<{ readonly path: string; readonly bytes: number; readonly mode: string }>
  readonly folders: ReadonlyArray<{ readonly path: string; readonly mode: string }>
}

/** The paths that belong to the user of a sandbox. */
export const ownedPaths = ({ folders, memory }: RootfsContents): ReadonlyArray<string> =>
  [...memory, ...folders].map(({ path }) => path)

export const homes = "/home"
export const home = `${homes}/user`
export const tmp = "/tmp"
/** Where R installs packages: a folder that must be there, so it is not in the home directory, which starts empty. */
export const rLibrary = `${homes}/r-library`
export const sharedMemory = "/dev/shm"

const nodeFolder = "/opt/agb/bin"
const agentInside = "/opt/agb/agent"
const javaInside = "/opt/agb/java"
/** Where the agent, and nothing else inside, resolves the package by name. */
const typeStripperInside = "/opt/agb/node_modules/@swc/wasm-typescript"

const isSystem = (path: string) => path.startsWith("/usr/")

/** The paths of Node and of the file `agent` inside. */
export const nodeInside = () => isSystem(process.execPath) ? process.execPath : `${nodeFolder}/node`
export const agentFileInside = (agent: string) => `${agentInside}/${Path.basename(agent)}`

/** PATH inside: the folders of interpreters outside /usr take precedence, as on the host. */
export const searchPath = (interpreters: Interpreters): string =>
  [
    ...interpreterFolders(interpreters).map((folder) => `${folder}/bin`),
    ...(isSystem(process.execPath) ? [] : [nodeFolder]),
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin"
  ].join(":")

const usrLinks = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]

/** What interpreters and their libraries read; kept short, since each mount adds a quarter of a millisecond to a start. */
const etcNames =
  /^(alternatives|ld\.so\.cache|fonts|localtime|os-release|java.*|R|matplotlibrc|services|crypto-policies)$/

const etcFolders = [
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/etc/pki/java",
  "/etc/ca-certificates/extracted",
  "/var/cache/fontconfig"
]

type Parts = Pick<RootfsContents, "links" | "binds">

/** Recreates symbolic links, and binds everything else. */
const mirrored = (paths: ReadonlyArray<string>): Parts => {
  const links: Array<readonly [string, string]> = []
  const binds: Array<readonly [string, string]> = []
  for (const path of paths) {
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.isSymbolicLink()) links.push([Fs.readlinkSync(path), path])
    else binds.push([path, path])
  }
  return { links, binds }
}

const systemParts = (): Parts =>
  mirrored([
    "/usr",
    ...usrLinks.map((name) => `/${name}`),
    ...Fs.readdirSync("/etc").filter((name) => etcNames.test(name)).map((name) => `/etc/${name}`),
    ...etcFolders
  ])

const hostText = (path: string): string => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const generatedFiles = (uid: number, network: SandboxNetwork): RootfsContents["files"] => [
  [
    "/etc/passwd",
    `root:x:0:0:root:/root:/usr/sbin/nologin\nuser:x:${uid}:${uid}:user:${home}:/bin/sh\n` +
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
  ],
  ["/etc/group", `root:x:0:\nuser:x:${uid}:\nnogroup:x:65534:\n`],
  ["/etc/hosts", network === "host" ? hostText("/etc/hosts") : "127.0.0.1 localhost sandbox\n::1 localhost\n"],
  ["/etc/resolv.conf", network === "host" ? hostText("/etc/resolv.conf") : ""],
  // Otherwise a name has the addresses of its first line alone.
  ["/etc/host.conf", "multi on\n"],
  ["/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"]
]

export interface RootfsOptions {
  readonly uid: number
  readonly agent: string
  readonly interpreters: Interpreters
  readonly limits: SandboxLimits
  readonly network: SandboxNetwork
  /** The prepared Java kernel, where there is one. */
  readonly javaFolder?: string | undefined
}

/** The files and folders of this machine that a sandbox needs. */
export const systemPaths = (options: Pick<RootfsOptions, "agent">): ReadonlyArray<string> => [
  ...systemParts().binds.map(([source]) => source),
  Path.dirname(options.agent),
  process.execPath
]

export const rootfsContents = (options: RootfsOptions): RootfsContents => {
  const system = systemParts()
  const folder = Path.dirname(options.agent)
  const java = javaProgram(options.interpreters, options.limits.memoryBytes)
  return {
    links: [...system.links, ...java.links, ["/proc/mounts", "/etc/mtab"], ["/tmp", "/var/tmp"]],
    binds: [
      ...system.binds,
      [folder, agentInside],
      [typeStripperFolder(), typeStripperInside],
      ...(options.javaFolder === undefined ? [] : [[options.javaFolder, javaInside] as const]),
      ...(isSystem(process.execPath) ? [] : [[process.execPath, `${nodeFolder}/node`] as const]),
      ...interpreterFolders(options.interpreters).map((path) => [path, path] as const)
    ],
    files: [
      ...generatedFiles(options.uid, options.network),
      ...memoryLimitFiles(options.limits.memoryBytes),
      ...java.files
    ],
    memory: [
      { path: homes, bytes: options.limits.workspaceBytes, mode: "0755" },
      { path: tmp, bytes: options.limits.workspaceBytes, mode: "1777" },
      { path: sharedMemory, bytes: Math.min(options.limits.workspaceBytes, 64 * 1024 * 1024), mode: "1777" }
    ],
    folders: [home, rLibrary].map((path) => ({ path, mode: "0700" }))
  }
}
