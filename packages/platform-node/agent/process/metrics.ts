/** Resource usage and limits of this session. Rates are averages since the previous call, or over 100 ms for the first. */
import { readFileSync, statfsSync, statSync } from "node:fs"
import { availableParallelism } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { isConfined } from "../files/beneath.js"
import { walk } from "../files/walk.js"
import type { Config, Operation } from "../wire/operation.js"
import { sessionProcesses, ticksPerSecond } from "./processTable.js"

/** The clock of processor time has a resolution of 10 ms. */
const minIntervalMs = 100

const pageBytes = 4096
const maxCounted = 100_000

interface Sample {
  readonly at: number
  readonly cpuSeconds: number
  readonly rx: number
  readonly tx: number
}

let previous: Sample | undefined

export const metrics: Operation = async (_call, { config }) => {
  const first = previous ?? sampleOf(config)
  if (performance.now() - first.at < minIntervalMs) await sleep(minIntervalMs)
  const now = sampleOf(config)
  previous = now
  const seconds = (now.at - first.at) / 1000
  const cpuCount = availableParallelism()
  const disk = await diskOf(config)
  return {
    value: {
      cpuCount,
      cpuUsedPct: Math.min(100, Math.max(0, (now.cpuSeconds - first.cpuSeconds) / seconds / cpuCount * 100)),
      memTotal: memoryTotal(config),
      memUsed: memoryUsed(config, disk.used),
      diskTotal: disk.total,
      diskUsed: disk.used,
      rxUsedKbyte: now.rx / 1024,
      txUsedKbyte: now.tx / 1024,
      rxRateKbytePerS: Math.max(0, now.rx - first.rx) / 1024 / seconds,
      txRateKbytePerS: Math.max(0, now.tx - first.tx) / 1024 / seconds,
      timestamp: new Date().toISOString()
    }
  }
}

const sampleOf = (config: Config): Sample => ({
  at: performance.now(),
  cpuSeconds: sessionProcesses(config).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond,
  ...traffic()
})

/** Bytes over all interfaces except loopback. */
const traffic = () => {
  const lines = textOf("/proc/net/dev").split("\n").filter((line) => /^\s*(?!lo:)[^\s:]+:/.test(line))
  const counts = lines.map((line) => line.slice(line.indexOf(":") + 1).trim().split(/\s+/).map(Number))
  const sum = (column: number) => counts.reduce((total, row) => total + (row[column] ?? 0), 0)
  return { rx: sum(0), tx: sum(8) }
}

/** The limit of the session, or all memory of the machine. */
const memoryTotal = ({ limits }: Config) => {
  const machine = Number(/^MemTotal:\s+(\d+)/m.exec(textOf("/proc/meminfo"))?.[1] ?? 0) * 1024
  return Math.min(machine, limits.memoryBytes ?? Infinity)
}

/** Private memory of its processes, plus its files if they are on a tmpfs. */
const memoryUsed = (config: Config, files: number) =>
  sessionProcesses(config).reduce((sum, { privatePages }) => sum + privatePages * pageBytes, isConfined() ? 0 : files)

/**
 * A session with file systems of its own uses their sizes. On a file system of the machine its files are added up, and the
 * total includes all free space.
 */
const diskOf = async ({ home, tmp }: Config) => {
  if (isConfined()) {
    const used = await bytesBelow(home) + await bytesBelow(tmp)
    const { bavail, bsize } = statfsSync(home)
    return { total: used + bavail * bsize, used }
  }
  const devices = new Map([home, tmp].map((path) => [statSync(path).dev, statfsSync(path)]))
  const sizes = [...devices.values()].map(({ bfree, blocks, bsize }) => [blocks * bsize, (blocks - bfree) * bsize])
  const sum = (index: 0 | 1) => sizes.reduce((total, size) => total + (size[index] ?? 0), 0)
  return { total: sum(0), used: sum(1) }
}

const bytesBelow = async (root: string) => {
  let bytes = 0
  let counted = 0
  await walk(root, ({ stat }) => {
    bytes += Number(stat()?.blocks ?? 0) * 512
    return ++counted < maxCounted ? "enter" : "stop"
  })
  return bytes
}

const textOf = (path: string) => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
