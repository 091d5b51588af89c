/** The services of the platform over a session. */
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Session } from "../session.js"
import * as executors from "./executor.js"
import * as fileSystems from "./fileSystem.js"
import * as machines from "./machine.js"
import * as paths from "./paths.js"

export type Services = FileSystem.FileSystem | CommandExecutor.CommandExecutor | Path.Path

export const make = (session: Session): Effect.Effect<Context.Context<Services>, PlatformError> =>
  Effect.gen(function*() {
    const machine = yield* machines.make(session)
    return Context.make(FileSystem.FileSystem, fileSystems.make(machine)).pipe(
      Context.add(CommandExecutor.CommandExecutor, executors.make(machine)),
      Context.add(Path.Path, yield* paths.make(machine))
    )
  })
