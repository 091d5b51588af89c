/** What the services of a platform have in common: the session, where relative paths begin, and how scripts are run in it. */
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import type { FileSystem } from "../../../FileSystem.js"
import type { ToolCall } from "../../../ToolCall.js"
import * as spans from "../../client/spans.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import * as shellScript from "../files/shellScript.js"
import { badArgument } from "../platformError.js"
import type { Session } from "../session.js"
import { toolCallOf } from "../session.js"
import { type Call, errno, failed } from "./errors.js"
import * as scripts from "./scripts.js"

export interface Machine {
  readonly toolCall: ToolCall
  readonly files: FileSystem
  readonly command: Session["command"]
  /** Absolute: where the session runs commands, and where it keeps temporary files. */
  readonly cwd: string
  readonly temporary: string
}

/** Relative paths begin at the working directory of the session. Links are left to the session: `..` is not resolved here. */
export const absolute = ({ cwd }: Pick<Machine, "cwd">, path: string): string =>
  path === "" || path.startsWith("/") ? path : `${cwd === "/" ? "" : cwd}/${path}`

/** No path has NUL, and there is nothing at the empty one. */
const refusal = (call: Call, ...paths: ReadonlyArray<string>): PlatformError | undefined => {
  if (paths.some((path) => path.includes("\0"))) {
    return badArgument({ module: "FileSystem", method: call.method, description: "a path must be without NUL" })
  }
  return paths[0] === "" ? errno("FileSystem", "ENOENT", call) : undefined
}

/** The path of a call on the file system. */
export const located = (machine: Pick<Machine, "cwd">, call: Call): Effect.Effect<string, PlatformError> => {
  const path = String(call.path)
  const error = refusal(call, path)
  return error === undefined ? Effect.succeed(absolute(machine, path)) : Effect.fail(error)
}

/** A name that nobody else takes. */
export const newName = (prefix: string): string => prefix + crypto.randomUUID()

/** Runs a script; its arguments are `$1`, `$2` and so on. */
export const run = (
  { toolCall }: Pick<Machine, "toolCall">,
  call: Call,
  text: string,
  args: ReadonlyArray<string | number>,
  retrySafety: RetrySafety,
  places?: shellScript.Places
): Effect.Effect<string, PlatformError> => {
  const error = refusal(call, ...args.map(String))
  if (error !== undefined) return Effect.fail(error)
  const operation = `SessionPlatform.${call.method}`
  const paths = [String(call.path)] as const
  const script = { operation, paths, text: scripts.functions + text, args: args.map(String), retrySafety, places }
  return spans.traced(operation)(
    Effect.mapError(Effect.suspend(() => shellScript.run(toolCall, script)), failed("FileSystem", call))
  )
}

/** Asks the session where it works. */
export const make = (session: Session): Effect.Effect<Machine, PlatformError> =>
  Effect.gen(function*() {
    const call: Call = { method: "layer", syscall: "getcwd", path: "." }
    const { command, fileSystem: files } = session
    const toolCall = toolCallOf(session)
    if (toolCall === undefined) return yield* Effect.fail(errno("FileSystem", "EINVAL", call))
    const text = yield* run({ toolCall }, call, scripts.places, [], "safe")
    const end = text.indexOf("\n")
    const cwd = text.slice(end + 1)
    if (!cwd.startsWith("/")) return yield* Effect.fail(errno("FileSystem", "ENOENT", call))
    const temporary = absolute({ cwd }, text.slice(0, end)).replace(/(?!^)\/+$/, "")
    return { toolCall, files, command, cwd, temporary }
  })
