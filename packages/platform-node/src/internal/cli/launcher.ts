/**
 * Ends the program with the package manager that started it. npm and npx start programs through a shell; when they are
 * killed, the program below that shell would continue unnoticed.
 */
import { type ProcessStat, processStat } from "../node/processStat.js"

interface Launcher {
  readonly pid: number
  readonly startTime: string
}

const shells = /^(sh|dash|bash|ash|zsh|busybox)$/

const pollMillis = 500

/** Finds the closest ancestor that is not a shell. Process 1 needs no watching: everything ends with it. */
const above = (pid: number, stat: ProcessStat | undefined, depth = 3): Launcher | undefined => {
  if (pid <= 1 || stat === undefined) return undefined
  const isShell = depth > 0 && shells.test(stat.name)
  return isShell ? above(stat.parent, processStat(stat.parent), depth - 1) : { pid, startTime: stat.startTime }
}

/** A process that leads its own session, e.g. after `setsid`, is meant to outlive its launcher. */
const isDetached = (): boolean => processStat(process.pid)?.session === process.pid

const isGone = ({ pid, startTime }: Launcher): boolean => {
  const stat = processStat(pid)
  return stat === undefined || stat.isZombie || stat.startTime !== startTime
}

/** Sends SIGTERM to this process when the npm or npx that started it is gone. */
export const endWithLauncher = (env: NodeJS.ProcessEnv): void => {
  if (env["npm_execpath"] === undefined && env["npm_config_user_agent"] === undefined || isDetached()) return
  const launcher = above(process.ppid, processStat(process.ppid))
  if (launcher === undefined) return
  const timer = setInterval(() => {
    if (!isGone(launcher)) return
    clearInterval(timer)
    process.kill(process.pid, "SIGTERM")
  }, pollMillis).unref()
}
