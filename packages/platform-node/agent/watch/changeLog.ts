/** Changes by path, in the order in which they were observed; consecutive writes are merged. */

export type EventType = "create" | "modify" | "delete"

export interface Change {
  readonly eventType: EventType
  readonly path: string
  readonly pathType: "file" | "directory"
}

export const makeChangeLog = () => {
  let byPath = new Map<string, Array<Change>>()
  let size = 0

  const add = (eventType: EventType, path: string, pathType: Change["pathType"]) => {
    const changes = byPath.get(path) ?? []
    const last = changes.at(-1)?.eventType
    if (eventType === "modify" && (last === "modify" || last === "create")) return
    changes.push({ eventType, path, pathType })
    byPath.set(path, changes)
    size++
  }

  /** Sorted by path: a directory precedes its contents. */
  const take = () => {
    const paths = [...byPath.keys()].sort()
    const taken = paths.flatMap((path) => byPath.get(path) ?? [])
    byPath = new Map()
    size = 0
    return taken
  }

  return { add, take, size: () => size }
}
