/**
 * Watching: a script of the session compares what is there with what was there before, and answers when that differs. Nothing is
 * kept in the session, so that watchers do not take changes from each other.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as Platform from "@effect/platform/FileSystem"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as control from "../processes/control.js"
import { fullyIdle } from "../processes/follow.js"
import * as contents from "./contents.js"
import { absolute, type Machine, newName, run } from "./machine.js"
import * as scripts from "./scripts.js"

interface Snapshot {
  /** Empty before the first one. */
  readonly sum: string
  /** By their names, relative to the directory: all of an entry that makes it another one, or changes it. */
  readonly entries: ReadonlyMap<string, string>
  readonly isSame: boolean
}

const entryOf = (text: string): readonly [name: string, state: string] => {
  const [, state = "", name = ""] = /^((?:\S+ ){5})\.\/(.*)$/s.exec(text) ?? []
  return [name, state]
}

const inodeOf = (state: string | undefined): string => state?.slice(0, state.indexOf(" ")) ?? ""

/** An entry that another one has taken the place of is removed and created. */
const eventsBetween = (before: Snapshot["entries"], after: Snapshot["entries"]): Array<Platform.WatchEvent> => {
  const isNew = (name: string) => inodeOf(before.get(name)) !== inodeOf(after.get(name))
  const names = [...after.keys()]
  return [
    ...[...before.keys()].filter(isNew).map((path) => Platform.WatchEventRemove({ path })),
    ...names.filter(isNew).map((path) => Platform.WatchEventCreate({ path })),
    ...names.filter((name) => !isNew(name) && before.get(name) !== after.get(name)).map((path) =>
      Platform.WatchEventUpdate({ path })
    )
  ]
}

const look = (
  machine: Machine,
  path: string,
  isRecursive: boolean,
  { entries, isSame, sum }: Snapshot
): Effect.Effect<Snapshot, PlatformError> =>
  Effect.suspend(() => {
    const call = { method: "watch", syscall: "watch", path }
    const list = `${machine.temporary}/${newName(".agb-list-")}`
    const wait = Duration.toMillis(control.longestWait) / 10
    const args = [absolute(machine, path), isRecursive ? "yes" : "", list, sum, wait, isSame ? fullyIdle : 0]
    return Effect.flatMap(
      run(machine, call, scripts.watch, args, "safe"),
      (printed): Effect.Effect<Snapshot, PlatformError> => {
        const end = printed.indexOf("\n")
        const found = printed.slice(0, end)
        return found === "same" ? Effect.succeed({ entries, sum, isSame: true }) : Effect.map(
          contents.listed(machine, call, list, printed.slice(end + 1)),
          (texts) => ({ sum: found, entries: new Map(texts.map(entryOf)), isSame: false })
        )
      }
    )
  })

const nothing: Snapshot = { sum: "", entries: new Map(), isSame: false }

export const watch = (machine: Machine): Platform.FileSystem["watch"] => (path, options) => {
  const next = (snapshot: Snapshot) =>
    control.paced(look(machine, path, options?.recursive === true, snapshot), ({ isSame }) => isSame)
  return Stream.unwrap(
    Effect.map(
      next(nothing),
      (first) =>
        Stream.unfoldChunkEffect(first, (before) =>
          Effect.map(next(before), (after) =>
            Option.some(
              [Chunk.unsafeFromArray(eventsBetween(before.entries, after.entries)), after] as const
            )))
    )
  )
}
