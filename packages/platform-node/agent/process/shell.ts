/** The shell: one `/bin/sh -c` per call, in a process group of its own. */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ownName } from "../files/ownFiles.js"
import { countArg, pathArg, stringArg, variablesArg } from "../wire/args.js"
import { Failure, mapErrors } from "../wire/failure.js"
import type { Agent, Call, Operation } from "../wire/operation.js"
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
    const readers = [
      readOutput(launcher.pipes, out, output.stdout.push),
      readOutput(launcher.pipes, err, output.stderr.push)
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
    return output.reply({ exitCode: timedOut ? timedOutCode : exitCodeOf(exit), signal: exit.signal, timedOut })
  } finally {
    script.remove()
  }
}

const specOf = ({ args }: Call, { config }: Agent, shellArgs: ReadonlyArray<string>) => {
  const cwd = args["cwd"] === undefined || args["cwd"] === null ? workdirOf(config) : pathArg(args, "cwd")
  checkDirectory(cwd)
  return { file: "/bin/sh", args: shellArgs, cwd, env: { ...config.env, ...variablesArg(args, "envs") } }
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
