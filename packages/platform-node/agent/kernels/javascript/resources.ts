/** What keeps the event loop of Node alive, by the names that Node gives it, and how it is described. */
import { Server, Socket } from "node:net"
import type { Worker } from "node:worker_threads"

/** How often each kind of resource is active. */
export type Kinds = Map<string, number>

/** Node does not list them. */
let threads = 0

/** All but one of the kernel itself. */
export const countThreads = (own: Worker) =>
  void process.on("worker", (worker) => {
    if (worker === own) return
    threads++
    worker.once("exit", () => threads--)
  })

let leftOut: Kinds = new Map()

/** Of each kind so many are not counted: those of the kernel itself. */
export const leaveOut = (kinds: Kinds) => {
  leftOut = kinds
}

/** Connections that a server has taken belong to it: they stay open for the client's next request. */
const acceptedKinds = (): Kinds => {
  const accepted: Kinds = new Map()
  const { _getActiveHandles: handles = () => [] } = process as unknown as {
    readonly _getActiveHandles?: () => ReadonlyArray<unknown>
  }
  for (const handle of handles.call(process)) {
    if (!(handle instanceof Socket) || !("server" in handle) || !(handle.server instanceof Server)) continue
    const kind = typeof handle.remotePort === "number" ? "TCPSocketWrap" : "PipeWrap"
    accepted.set(kind, (accepted.get(kind) ?? 0) + 1)
  }
  return accepted
}

export const countKinds = (): Kinds => {
  const kinds: Kinds = new Map([["Worker", threads]])
  for (const kind of process.getActiveResourcesInfo()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  return minus(minus(kinds, leftOut), acceptedKinds())
}

/** What there is more of than before. */
export const minus = (kinds: Kinds, before: Kinds): Kinds => {
  const more: Kinds = new Map()
  for (const [kind, count] of kinds) {
    const rest = count - (before.get(kind) ?? 0)
    if (rest > 0) more.set(kind, rest)
  }
  return more
}

/** Resources that are not done by themselves. */
const lasting: Readonly<Record<string, string>> = {
  TCPServerWrap: "server",
  UDPWrap: "UDP socket",
  FSEventWrap: "file watcher",
  StatWatcher: "file watcher"
}

const brief: Readonly<Record<string, string>> = {
  ProcessWrap: "child process",
  Worker: "thread",
  TCPSocketWrap: "connection"
}

export const describeKinds = (
  kinds: Kinds,
  { intervals, timers }: { readonly timers: number; readonly intervals: number }
) => {
  const counts = new Map([["timer", timers], ["interval", intervals]])
  for (const [kind, count] of kinds) {
    // The pipes of a child belong to it.
    if (kind === "PipeWrap" && kinds.has("ProcessWrap")) continue
    const name = lasting[kind] ?? brief[kind] ?? "request"
    counts.set(name, (counts.get(name) ?? 0) + count)
  }
  const hasBrief = [...kinds.keys()].some((kind) => !(kind in lasting))
  return { hasBrief, texts: [...counts].flatMap(([name, count]) => count === 0 ? [] : [counted(count, name)]) }
}

const counted = (count: number, name: string) =>
  count === 1 ? `1 ${name}` : `${count} ${name.endsWith("s") ? `${name}es` : `${name}s`}`
