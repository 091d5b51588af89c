/** The tool `shell` in a shell of choice on this machine, without a session. */
import { AgbTools, ToolCall } from "@effect-agb/core"
import { Effect, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

type Args = AgbTools.ArgsOf<AgbTools.Tools["shell"]>
type Result = AgbTools.ResultOf<AgbTools.Tools["shell"]>

const utilities = "ls dd base64 tail head grep sleep mkfifo setsid env mkdir chmod cat mv rm date".split(" ")

/** A folder of programs: a shell under these names, and the utilities that it is not itself. */
const makePath = (folder: string, file: string, names: ReadonlyArray<string>): void => {
  Fs.mkdirSync(folder)
  for (const name of names) Fs.symlinkSync(file, Path.join(folder, name))
  for (const name of utilities.filter((name) => !names.includes(name))) {
    const found = ["/usr/bin", "/bin"].map((place) => Path.join(place, name)).find((path) => Fs.existsSync(path))
    if (found !== undefined) Fs.symlinkSync(found, Path.join(folder, name))
  }
}

const run = (file: string, env: NodeJS.ProcessEnv, { command, cwd }: Args): Effect.Effect<Result> =>
  Effect.async<Result>((resume, signal) => {
    const child = spawn(file, ["-c", command], {
      env,
      cwd: cwd ?? env["HOME"],
      signal,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const [out, err]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk))
    child.on("error", () => {})
    child.on("close", (code) => {
      const [stdout, stderr] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()]
      resume(Effect.succeed({ stdout, stderr, exit_code: code ?? 255 }))
    })
  })

/** `names` are the programs that the shell is; the others are those of this machine. */
export const make = (
  file: string,
  names: ReadonlyArray<string>
): Effect.Effect<ToolCall.ToolCall, never, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-shell-test-"))),
      (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
    )
    const bin = Path.join(folder, "bin")
    makePath(bin, file, names)
    const env = { PATH: bin, HOME: folder, TMPDIR: folder }
    return ToolCall.make(({ args }) =>
      Effect.map(run(Path.join(bin, names[0] ?? "sh"), env, args as Args), (result) => ({
        reply: {
          content: [{ type: "text", text: Schema.encodeSync(AgbTools.tools.shell.result)(result) }],
          isError: false
        },
        requestId: undefined
      }))
    )
  })
