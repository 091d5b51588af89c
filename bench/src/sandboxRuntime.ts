// `@anthropic-ai/sandbox-runtime`: a bubblewrap per command, here with one folder to write in and no network.
import { SandboxManager } from "@anthropic-ai/sandbox-runtime"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { output } from "./processes.js"

export interface SandboxRuntime {
  /** With what it had to do without, if anything. */
  readonly name: string
  /** Wraps a command, runs it, and answers its output. */
  readonly run: (command: string) => Promise<string>
  /** Wraps it now; the run alone is what the answer does. */
  readonly wrap: (command: string) => Promise<() => Promise<string>>
  readonly stop: () => Promise<void>
}

const nobody = 65_534

const policy = (folder: string, allowAllUnixSockets: boolean) => ({
  network: { allowedDomains: [], deniedDomains: [], allowAllUnixSockets },
  filesystem: { denyRead: [], allowWrite: [folder], denyWrite: [] }
})

/** It keeps sockets and folders where TMPDIR and HOME point, and looks at the folder that it is called in. */
const inFolder = async <A>(folder: string, work: () => Promise<A>): Promise<A> => {
  const before = { HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, cwd: process.cwd() }
  Object.assign(process.env, { HOME: folder, TMPDIR: folder })
  process.chdir(folder)
  try {
    return await work()
  } finally {
    process.chdir(before.cwd)
    for (const name of ["HOME", "TMPDIR"] as const) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
}

/** As root its system call filter cannot be installed, so it starts as nobody. */
const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

const start = async (allowAllUnixSockets: boolean): Promise<SandboxRuntime> => {
  const folder = mkdtempSync(join(tmpdir(), "agb-bench-srt-"))
  chmodSync(folder, 0o777)
  const wrapped = (command: string) => inFolder(folder, () => SandboxManager.wrapWithSandbox(command))
  const launch = (text: string) => output("/bin/sh", ["-c", text], { cwd: folder, ...identity })
  const run = async (command: string) => {
    const text = await wrapped(command)
    return launch(text).finally(() => SandboxManager.cleanupAfterCommand())
  }
  const stop = async () => {
    await SandboxManager.reset()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await inFolder(folder, () => SandboxManager.initialize(policy(folder, allowAllUnixSockets)))
    await run("true")
  } catch (error) {
    await stop()
    throw error
  }
  const name = allowAllUnixSockets ? "sandbox-runtime without its seccomp filter" : "sandbox-runtime"
  return { name, run, wrap: async (command) => launch.bind(undefined, await wrapped(command)), stop }
}

/** Or why it cannot run here. */
export const startSandboxRuntime = async (): Promise<SandboxRuntime | string> => {
  try {
    const { errors } = SandboxManager.checkDependencies()
    if (!SandboxManager.isSupportedPlatform()) return "not supported on this platform"
    if (errors.length > 0) return errors.join("; ")
    return await start(false).catch(() => start(true))
  } catch (error) {
    return `does not run here: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`
  }
}
