/** The processes of the session, for people who look at it. */
import { readFileSync } from "node:fs"
import type { Operation } from "../wire/operation.js"
import { type ProcessInfo, sessionProcesses, ticksPerSecond } from "./processTable.js"

/** How many processes are told, and how much of the command of each. */
const maxProcesses = 1000
const maxCommandLength = 1000

export const listProcesses: Operation = async (_call, { config }) => {
  const now = Date.now()
  const uptimeMs = Number(textOf("/proc/uptime").split(" ")[0] ?? 0) * 1000
  const all = sessionProcesses(config)
  const own = ownProcesses(all)
  const processes = all
    .filter(({ isZombie, pid }) => !isZombie && !own.has(pid))
    .slice(0, maxProcesses)
    .map(({ group, parent, pid, startedAt }) => ({
      pid,
      parent,
      group,
      command: commandOf(pid),
      startedAt: Math.round(now - uptimeMs + startedAt / ticksPerSecond * 1000)
    }))
  return { value: { processes } }
}

/** The agent, and what it was started by. */
const ownProcesses = (all: ReadonlyArray<ProcessInfo>): ReadonlySet<number> => {
  const own = new Set<number>()
  let next: number | undefined = process.pid
  while (next !== undefined && !own.has(next)) {
    own.add(next)
    next = all.find(({ pid }) => pid === next)?.parent
  }
  return own
}

/** The arguments, where the process tells them, else its name. */
const commandOf = (pid: number): string => {
  const args = textOf(`/proc/${pid}/cmdline`).split("\0").filter((arg) => arg !== "")
  const text = args.length === 0 ? textOf(`/proc/${pid}/comm`).trim() : shownArgs(args)
  return text.slice(0, maxCommandLength)
}

/** What a shell runs says more than the shell. */
const shownArgs = (args: ReadonlyArray<string>): string => {
  const [program = "", flag, command] = args
  return /(?:^|\/)(?:ba|da|a)?sh$/.test(program) && flag === "-c" && command !== undefined ? command : args.join(" ")
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
