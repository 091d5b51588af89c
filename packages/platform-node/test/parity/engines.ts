/** A notebook in ipykernel and in the kernel of a session: each in a fresh session of the local runtime, so that all else is equal. */
import { type AgbError, type Code, Session } from "@effect-agb/core"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Output } from "./compare.js"

/** For a cell. */
const seconds = 60

export const driver = readFileSync(new URL("reference.py", import.meta.url), "utf8")

const params = { imageId: "agb-code-space-1" }

const findFonts = "python3 -c 'import matplotlib, matplotlib.font_manager; print(matplotlib.get_cachedir())'"

/** The list of fonts that matplotlib would otherwise look for in each session anew, which takes seconds. */
export const fontList = Session.use(params, ({ command, fileSystem }) =>
  Effect.gen(function*() {
    const folder = (yield* command.executeCommand(findFonts, { timeout: "3 minutes" })).stdout.trim()
    const { stdout } = yield* command.executeCommand(`ls ${folder}/*.json`)
    const path = stdout.trim()
    return { path, text: yield* fileSystem.readFile(path) }
  }))

export type FontList = Effect.Effect.Success<typeof fontList>

const useSession = <A, E, R>(fonts: FontList, use: (session: Session.Session) => Effect.Effect<A, E, R>) =>
  Session.use(params, (session) =>
    Effect.gen(function*() {
      yield* session.fileSystem.createDirectory(dirname(fonts.path))
      yield* session.fileSystem.writeFile(fonts.path, fonts.text)
      return yield* use(session)
    }))

/** Fewer outputs than cells where one did not end. */
export const inIpykernel = (fonts: FontList, cells: ReadonlyArray<string>) =>
  useSession(fonts, ({ command, fileSystem }) =>
    Effect.gen(function*() {
      yield* fileSystem.writeFile("/tmp/.reference.py", driver)
      yield* fileSystem.writeFile("/tmp/.cells", JSON.stringify(cells))
      const timeout = `${60 + seconds * cells.length} seconds` as const
      yield* command.executeCommand(`/usr/bin/python3 /tmp/.reference.py /tmp/.cells ${seconds}`, { timeout })
      return JSON.parse(yield* fileSystem.readFile("/tmp/.cells.outputs")) as ReadonlyArray<Output>
    }))

/** The traceback of the error comes last on standard error. */
const failed = (error: AgbError.CodeExecutionError): Output => ({
  stdout: error.stdout,
  stderr: error.stderr.endsWith(error.traceback) ? error.stderr.slice(0, -error.traceback.length) : error.stderr,
  results: error.results,
  error: { name: error.name, value: error.value }
})

const stopped = { name: "stopped", value: `after ${seconds} seconds` }

const runCell = (code: Code.Code) => (cell: string) =>
  code.runCode(cell, "python", { timeout: `${seconds} seconds` }).pipe(
    Effect.map(({ results, stderr, stdout }): Output => ({ stdout, stderr, results, error: null })),
    Effect.catchTags({
      CodeExecutionError: (error) => Effect.succeed(failed(error)),
      ExecutionTimeoutError: ({ stderr, stdout }) =>
        Effect.succeed<Output>({ stdout, stderr, results: [], error: stopped })
    })
  )

export const inSession = (fonts: FontList, cells: ReadonlyArray<string>) =>
  useSession(fonts, ({ code }) => Effect.forEach(cells, runCell(code)))
