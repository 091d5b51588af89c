// Runs programs, each in a process group of its own, so that nothing of them outlives the script.
import { spawn } from "node:child_process"

/** The end of each process that runs, by its id. */
const running = new Map()

const end = (pid) => {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // It has ended.
  }
}

let isOver = false

/** From then on nothing can be started. */
export const endAll = async () => {
  isOver = true
  for (const pid of running.keys()) end(pid)
  await Promise.all(running.values())
}

/** Busy machines are slow. */
const patience = 300_000

/** What package managers and shells set for the script is not for the programs; keys of an account even less. */
const inherited = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      /^npm_config_registry$/i.test(name) || !/^(npm_|pnpm_|AGB_|NODE_OPTIONS$|NODE_PATH$|INIT_CWD$)/i.test(name)
    )
  )

export const start = (command, args, { cwd, env = {} }) => {
  if (isOver) throw new Error("the script is ending")
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited(), NO_COLOR: "1", CI: "1", ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const { pid } = child
  if (pid === undefined) return child
  const ended = new Promise((resolve) => child.once("exit", resolve))
  running.set(pid, ended.then(() => running.delete(pid)))
  child.once("exit", () => end(pid))
  return child
}

const outputOf = (child) => {
  const output = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      output[name] += text
    })
  }
  return output
}

/** Resolves with the exit code and the output, whatever they are. */
const outcome = (command, args, { timeout = patience, ...options } = {}) =>
  new Promise((resolve, reject) => {
    const child = start(command, args, options)
    const output = outputOf(child)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      end(child.pid)
    }, timeout)
    child.once("error", reject)
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      resolve({ code: isLate ? `none within ${timeout / 1000} s` : code ?? signal, ...output })
    })
  })

const failure = (command, args, { code, stderr, stdout }) =>
  new Error(`${[command, ...args].join(" ")}\nexit code ${code}\n${`${stdout}\n${stderr}`.trim().slice(-4000)}`)

/** What a program prints; fails with all of it unless it exits with 0. */
export const run = async (command, args, options) => {
  const result = await outcome(command, args, options)
  if (result.code !== 0) throw failure(command, args, result)
  return result.stdout
}

/** A program that must fail, in time and in these words. */
export const refusal = async (command, args, words, options) => {
  const result = await outcome(command, args, { timeout: 60_000, ...options })
  const text = `${result.stdout}\n${result.stderr}`
  if (result.code === 0 || typeof result.code !== "number" || !words.test(text)) throw failure(command, args, result)
  return text
}

/** Starts a server and waits for a line of it; `stop` ends it as a user would, then for certain. */
export const serve = (command, args, ready, options) =>
  new Promise((resolve, reject) => {
    const child = start(command, args, options)
    const output = outputOf(child)
    const ended = new Promise((done) => child.once("close", done))
    const stop = async () => {
      child.kill("SIGTERM")
      const timer = setTimeout(() => end(child.pid), 20_000)
      await ended
      clearTimeout(timer)
    }
    const timer = setTimeout(() => end(child.pid), patience)
    child.stdout.on("data", () => {
      if (!ready.test(output.stdout)) return
      clearTimeout(timer)
      resolve({ stdout: output.stdout, stop })
    })
    child.once("error", reject)
    child.once("close", (code) => reject(failure(command, args, { code, ...output })))
  })
