/** The platform's `Path`, relative to the working directory of a session. */
import * as Platform from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { absolute, type Machine } from "./machine.js"

export const make = (machine: Pick<Machine, "cwd">): Effect.Effect<Platform.Path> =>
  Effect.map(Platform.Path, (posix) => {
    const resolve = (...segments: ReadonlyArray<string>) => posix.resolve(machine.cwd, ...segments)
    return Platform.Path.of({
      ...posix,
      resolve,
      relative: (from, to) => posix.relative(resolve(from), resolve(to)),
      toFileUrl: (path) => posix.toFileUrl(absolute(machine, path === "" ? "." : path))
    })
  }).pipe(Effect.provide(Platform.layer))
