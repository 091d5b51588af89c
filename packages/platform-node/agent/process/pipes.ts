/**
 * Real pipes for the processes that the agent starts. Node's own "pipes" are socket pairs, which cannot be reopened: `echo
 * x >/dev/stderr` fails on them, and Java and R cannot open them. These are FIFOs, created in batches, unlinked at once and
 * reused.
 */
import { spawn } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, rmSync } from "node:fs"
import type { Socket } from "node:net"
import { join } from "node:path"
import { ownPrefix } from "../files/ownFiles.js"
import { readAll } from "../wire/connection.js"
import { failureOf, mapErrors } from "../wire/failure.js"

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
const batch = 8

export interface Pipe {
  /** The agent's end. */
  readonly ours: number
  /** The child's end, closed here once the child has inherited it. */
  readonly theirs: number
  /** Keeps the FIFO open between uses. */
  readonly handle: number
}

export type Direction = "fromChild" | "toChild"

export interface Pipes {
  readonly take: (...directions: ReadonlyArray<Direction>) => Promise<Array<Pipe>>
  /** Reads a pipe until no process has its other end open, then keeps the pipe for reuse. */
  readonly read: (pipe: Pipe, onChunk: (chunk: Buffer) => void, onEnd: () => void) => Socket
  /** Creates the first pipes before they are needed. */
  readonly prepare: () => void
  /** Releases a pipe that was never read. */
  readonly drop: (pipe: Pipe) => void
}

/** `tmp` is where the FIFOs are created. */
export const makePipes = (tmp: string): Pipes => {
  const spare: Array<number> = []
  let making: Promise<void> | undefined

  const refill = () =>
    making ??= makeFifos(tmp).then((made) => void spare.push(...made)).finally(() => {
      making = undefined
    })

  const take: Pipes["take"] = async (...directions) => {
    while (spare.length < directions.length) await refill()
    const taken: Array<Pipe> = []
    try {
      for (const direction of directions) taken.push(openEnds(spare.pop() as number, direction))
      return taken
    } catch (error) {
      for (const { handle, ours, theirs } of taken) for (const fd of [ours, theirs, handle]) closeSync(fd)
      throw failureOf(error, "a pipe for a process")
    }
  }

  const read: Pipes["read"] = (pipe, onChunk, onEnd) =>
    readAll(pipe.ours, onChunk, () => {
      if (spare.length < 2 * batch) spare.push(pipe.handle)
      else closeSync(pipe.handle)
      onEnd()
    })

  const prepare = () => void refill().catch(() => undefined)

  return { take, read, prepare, drop: (pipe) => closeSync(pipe.handle) }
}

const openEnds = (handle: number, direction: Direction): Pipe => {
  const path = `/proc/self/fd/${handle}`
  const [our, their] = direction === "fromChild" ? [O_RDONLY, O_WRONLY] : [O_WRONLY, O_RDONLY]
  const opened = [handle]
  try {
    const ours = openSync(path, our | O_NONBLOCK)
    opened.push(ours)
    return { ours, theirs: openSync(path, their), handle }
  } catch (error) {
    for (const fd of opened) closeSync(fd)
    throw error
  }
}

const makeFifos = async (tmp: string) => {
  const handles: Array<number> = []
  const directory = mapErrors(`pipes in ${tmp}`, () => mkdtempSync(join(tmp, ownPrefix("pipes"))))
  const paths = Array.from({ length: batch }, (_, index) => join(directory, String(index)))
  try {
    await mkfifo(paths)
    for (const path of paths) handles.push(openSync(path, O_RDONLY | O_NONBLOCK))
    return handles
  } catch (error) {
    for (const handle of handles) closeSync(handle)
    throw failureOf(error, `pipes in ${tmp}`)
  } finally {
    for (const path of paths) rmSync(path, { force: true })
    rmdirSync(directory)
  }
}

const mkfifoError = (code: number | null, complaint: string): Error =>
  Object.assign(
    new Error(`mkfifo ended with exit code ${code}: ${complaint}`),
    /no space left on device/i.test(complaint) ? { code: "ENOSPC" } : {}
  )

const mkfifo = (paths: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn("mkfifo", ["-m", "600", ...paths], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      stdio: ["ignore", "ignore", "pipe"]
    })
    let complaint = ""
    child.stderr.on("data", (chunk: Buffer) => complaint = (complaint + chunk.toString()).slice(0, 1000))
    child.on("error", reject)
    child.on("close", (code) => code === 0 ? resolve() : reject(mkfifoError(code, complaint)))
  })
