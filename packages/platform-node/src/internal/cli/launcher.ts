/**
 * npm, npx and their like start a program through a shell. Killed, they take the shell along at best, and what runs in it
 * goes on without anybody who knows of it.
 */
import { type ProcessStat, processStat } from "../node/processStat.js"

interface Launcher {
  readonly pid: number
  readonly startTime: string
}

const shells = /^(sh|dash|bash|ash|zsh|busybox)$/

const pollMillis = 500

/** The process above the shells that this one runs in. Process 1 ends with all others, so there is nobody to watch. */
const above = (pid: number, stat: ProcessStat | undefined, depth = 3): Launcher | undefined => {
  if (pid <= 1 || stat === undefined) return undefined
  const isShell = depth > 0 && shells.test(stat.name)
  return isShell ? above(stat.parent, processStat(stat.parent), depth - 1) : { pid, startTime: stat.startTime }
}

/** Who has made itself leader of a session, with `setsid` say, wants to outlive what started it. */
const isDetached = (): boolean => processStat(process.pid)?.session === process.pid

const isGone = ({ pid, startTime }: Launcher): boolean => {
  const stat = processStat(pid)
  return stat === undefined || stat.isZombie || stat.startTime !== startTime
}

/** Sends this process SIGTERM once the npm, npx or the like that started it is gone. */
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
