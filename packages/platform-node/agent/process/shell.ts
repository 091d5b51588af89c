/** The shell: one process per call, in a process group of its own; Bash where there is one, else `/bin/sh`. */
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ownName } from "../files/ownFiles.js"
import { countArg, pathArg, stringArg, variablesArg } from "../wire/args.js"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Agent, Call, Config, Operation } from "../wire/operation.js"
import { makeCallOutput } from "./capture.js"
import type { Pipe, Pipes } from "./pipes.js"
import { exitCodeOf, type Launcher, limitTime, startOnPipes } from "./processes.js"
import { checkDirectory, workdirOf } from "./workdir.js"

/** How long output of background jobs is still read after the shell has exited. */
const drainMs = 50

/** What background jobs write later is discarded, one buffer per interval, so that a flood does not keep the agent busy. */
const discardIntervalMs = 20

/** Linux limits one argument to 128 KiB: a longer command is run from a file. */
const maxArgumentBytes = 120 * 1024

const timedOutCode = 124

export const makeShell = (launcher: Launcher): Operation => async (call, agent) => {
  const timeoutMs = countArg(call.args, "timeoutMs")
  const output = makeCallOutput(call, agent)
  const script = makeScript(stringArg(call.args, "command"), agent.config.tmp)
  try {
    const spec = specOf(call, agent, script.args)
    const { job, taken: [out, err] } = await startOnPipes(launcher, spec, ["fromChild", "fromChild"])
    const complaint = makeComplaint(spec.file)
    const readers = [
      readOutput(launcher.pipes, out, output.stdout.push),
      readOutput(launcher.pipes, err, (chunk) => {
        complaint.push(chunk)
        output.stderr.push(chunk)
      })
    ]
    output.pauseWhenFull(...readers.map((reader) => reader.socket))
    const stop = () => {
      output.endBackpressure()
      job.killTree()
    }
    const limit = limitTime(timeoutMs, stop)
    call.signal.addEventListener("abort", stop)
    if (call.signal.aborted) stop()
    const exit = await job.exited
    const timedOut = limit.stop()
    await output.settle(Promise.all(readers.map((reader) => reader.ended)), drainMs)
    for (const reader of readers) reader.discard()
    if (exit.code !== 0 && complaint.isAboutShell()) output.stderr.push(Buffer.from(noBash))
    return output.reply({ exitCode: timedOut ? timedOutCode : exitCodeOf(exit), signal: exit.signal, timedOut })
  } finally {
    script.remove()
  }
}

const specOf = ({ args }: Call, { config }: Agent, shellArgs: ReadonlyArray<string>) => {
  const cwd = args["cwd"] === undefined || args["cwd"] === null ? workdirOf(config) : pathArg(args, "cwd")
  checkDirectory(cwd)
  return { file: shellOf(config), args: shellArgs, cwd, env: { ...config.env, ...variablesArg(args, "envs") } }
}

const shells = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"]

const plainShell = "/bin/sh"

const shellOf = ({ interpreters }: Config) =>
  interpreters["shell"] ?? shells.find((file) => existsSync(file)) ?? plainShell

const noBash =
  "[the shell of this session is /bin/sh, since Bash is not installed: arrays, [[, pipefail, <(…) and <<< are not known to it]\n"

/** What a plain shell says of commands that are written for Bash. */
const unknownToPlainShell =
  /: (?:\[\[|source|declare|shopt|mapfile|readarray|pushd|popd|let): not found|[Ss]yntax error: (?:"\(" unexpected|redirection unexpected|word unexpected)|[Bb]ad substitution|[Ii]llegal option -o pipefail/

const maxComplaintBytes = 4096

/** Keeps the beginning of what a plain shell writes to standard error. */
const makeComplaint = (shell: string) => {
  const kept: Array<Buffer> = []
  let bytes = 0
  const push = (chunk: Buffer) => {
    if (shell !== plainShell || bytes >= maxComplaintBytes) return
    kept.push(Buffer.from(chunk.subarray(0, maxComplaintBytes - bytes)))
    bytes += chunk.length
  }
  return { push, isAboutShell: () => unknownToPlainShell.test(Buffer.concat(kept).toString()) }
}

/** The arguments of the shell: the command itself, or a temporary file with a long one. */
const makeScript = (command: string, tmp: string) => {
  if (command.includes("\0")) throw new Failure("EINVAL", "Invalid argument: command must be free of NUL characters")
  if (Buffer.byteLength(command) < maxArgumentBytes) return { args: ["-c", command], remove: () => {} }
  const file = join(tmp, ownName("command"))
  mapErrors(file, () => writeFileSync(file, command, { mode: 0o600, flag: "wx" }))
  return { args: [file], remove: () => rmSync(file, { force: true }) }
}

/** Reads one stream of a command until no process has its other end open. */
const readOutput = (pipes: Pipes, pipe: Pipe, push: (chunk: Buffer) => void) => {
  let sink = push
  let end: () => void
  const ended = new Promise((resolve: (value: void) => void) => void (end = resolve))
  const socket = pipes.read(pipe, (chunk) => sink(chunk), () => end())
  const discard = () => {
    sink = () => {
      socket.pause()
      setTimeout(() => socket.resume(), discardIntervalMs)
    }
    socket.resume()
  }
  return { socket, ended, discard }
}
