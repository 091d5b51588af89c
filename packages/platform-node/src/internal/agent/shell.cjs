// @ts-check
"use strict"

/** The shell: one `/bin/sh -c` per call, in a process group of its own. */
const fs = require("node:fs")
const { join } = require("node:path")
const { count, path, text, variables } = require("./args.cjs")
const { makeCallOutput } = require("./capture.cjs")
const { about, Failure } = require("./failure.cjs")
const { workdirOf } = require("./operation.cjs")
const { ownName } = require("./ownFiles.cjs")
const { checkDirectory, exitCodeOf, limitTime, startOnPipes } = require("./processes.cjs")

/** How long output may still come after the shell has ended, from jobs that it left in the background. */
const drainMs = 50

/** What such a job writes later is thrown away, one buffer at a time, so that a flood does not keep the agent busy. */
const discardEveryMs = 20

/** The longest argument a process may get is 128 KiB: a longer command is run from a file. */
const longestArgument = 120 * 1024

const timedOutCode = 124

/** @type {import("./operation.cjs").Operation} */
const shell = async (call, agent) => {
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

/**
 * @param {import("./operation.cjs").Call} call
 * @param {import("./operation.cjs").Agent} agent
 * @param {ReadonlyArray<string>} shellArgs
 */
const launchOf = ({ args }, { config }, shellArgs) => {
  const cwd = args["cwd"] === undefined || args["cwd"] === null ? workdirOf(config) : path(args, "cwd")
  checkDirectory(cwd)
  return { file: "/bin/sh", args: shellArgs, cwd, env: { ...config.env, ...variables(args, "envs") } }
}

/**
 * How the shell gets its command.
 *
 * @param {string} command
 * @param {string} tmp
 */
const makeScript = (command, tmp) => {
  if (command.includes("\0")) throw new Failure("EINVAL", "Invalid argument: command must be free of NUL characters")
  if (Buffer.byteLength(command) < longestArgument) return { args: ["-c", command], remove: () => {} }
  const file = join(tmp, ownName("command"))
  about(file, () => fs.writeFileSync(file, command, { mode: 0o600, flag: "wx" }))
  return { args: [file], remove: () => fs.rmSync(file, { force: true }) }
}

/**
 * Reads one stream of a command until nobody can write to it any more.
 *
 * @param {import("./pipes.cjs").Pipes} pipes
 * @param {import("./pipes.cjs").Pipe} pipe
 * @param {(chunk: Buffer) => void} push
 */
const follow = (pipes, pipe, push) => {
  let sink = push
  /** @type {() => void} */
  let end
  const ended = new Promise((/** @type {(value: void) => void} */ resolve) => void (end = resolve))
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

module.exports = { shell }
