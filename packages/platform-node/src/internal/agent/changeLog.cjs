// @ts-check
"use strict"

/** Changes in the order in which they were seen, path by path; writes that follow each other count as one. */

/**
 * @typedef {"create" | "modify" | "delete"} EventType
 * @typedef {{ readonly eventType: EventType, readonly path: string, readonly pathType: "file" | "directory" }} Change
 */

const makeChangeLog = () => {
  /** @type {Map<string, Array<Change>>} */
  let byPath = new Map()
  let size = 0

  /**
   * @param {EventType} eventType
   * @param {string} path
   * @param {Change["pathType"]} pathType
   */
  const add = (eventType, path, pathType) => {
    const changes = byPath.get(path) ?? []
    const last = changes.at(-1)?.eventType
    if (eventType === "modify" && (last === "modify" || last === "create")) return
    changes.push({ eventType, path, pathType })
    byPath.set(path, changes)
    size++
  }

  /** All of them, sorted by path, which puts a folder before what is in it. */
  const take = () => {
    const paths = [...byPath.keys()].sort()
    const taken = paths.flatMap((path) => byPath.get(path) ?? [])
    byPath = new Map()
    size = 0
    return taken
  }

  return { add, take, size: () => size }
}

/** @typedef {ReturnType<typeof makeChangeLog>} ChangeLog */

module.exports = { makeChangeLog }
