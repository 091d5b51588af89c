/** The shell: one `/bin/sh -c` per call, in a process group of its own. */
import * as Fs from "node:fs"
import { join } from "node:path"
import { ownName } from "../files/ownFiles.js"
import { type Agent, type Call, type Operation, workdirOf } from "../operation.js"
import { count, path, text, variables } from "../wire/args.js"
import { about, Failure } from "../wire/failure.js"
import { makeCallOutput } from "./capture.js"
import type { Pipe, Pipes } from "./pipes.js"
import { checkDirectory, exitCodeOf, limitTime, startOnPipes } from "./processes.js"

/** How long output may still come after the shell has ended, from jobs that it left in the background. */
const drainMs = 50

/** What such a job writes later is thrown away, one buffer at a time, so that a flood does not keep the agent busy. */
const discardEveryMs = 20

/** The longest argument a process may get is 128 KiB: a longer command is run from a file. */
const longestArgument = 120 * 1024

const timedOutCode = 124

export const shell: Operation = async (call, agent) => {
  const timeoutMs = count(call.args, "timeoutMs")
  const output = makeCallOutput(call, agent)
  const script = makeScript(text(call.args, "command"), agent.config.tmp)
  try {
    const launch = launchOf(call, agent, script.args)
    const { job, taken: [out, err] } = await startOnPipes(agent, launch, ["fromChild", "fromChild"])
    const readers = [follow(agent.pipes, out, output.stdout.push), follow(agent.pipes, err, output.stderr.push)]
    output.from(...readers.map((reader) => reader.socket))
    const stop = () => {
      output.hurry()
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

const launchOf = ({ args }: Call, { config }: Agent, shellArgs: ReadonlyArray<string>) => {
  const cwd = args["cwd"] === undefined || args["cwd"] === null ? workdirOf(config) : path(args, "cwd")
  checkDirectory(cwd)
  return { file: "/bin/sh", args: shellArgs, cwd, env: { ...config.env, ...variables(args, "envs") } }
}

/** How the shell gets its command. */
const makeScript = (command: string, tmp: string) => {
  if (command.includes("\0")) throw new Failure("EINVAL", "Invalid argument: command must be free of NUL characters")
  if (Buffer.byteLength(command) < longestArgument) return { args: ["-c", command], remove: () => {} }
  const file = join(tmp, ownName("command"))
  about(file, () => Fs.writeFileSync(file, command, { mode: 0o600, flag: "wx" }))
  return { args: [file], remove: () => Fs.rmSync(file, { force: true }) }
}

/** Reads one stream of a command until nobody can write to it any more. */
const follow = (pipes: Pipes, pipe: Pipe, push: (chunk: Buffer) => void) => {
  let sink = push
  let end: () => void
  const ended = new Promise((resolve: (value: void) => void) => void (end = resolve))
  const socket = pipes.read(pipe, (chunk) => sink(chunk), () => end())
  const discard = () => {
    sink = () => {
      socket.pause()
      setTimeout(() => socket.resume(), discardEveryMs)
    }
    socket.resume()
  }
  return { socket, ended, discard }
}
