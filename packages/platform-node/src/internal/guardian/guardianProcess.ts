/**
 * The guardian as its program sees it: a child process in a session of its own, so that no signal of the terminal reaches it.
 * It ends with the pipe to its standard input, whatever ends that. One that ends before is started again and told everything.
 */
import type { Guardian } from "@effect-agb/core/Guardian"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import type { Socket } from "node:net"
import * as Path from "node:path"
import { packageFolder } from "../sandbox/process/packageFolder.js"
import { type Account, decode, encode, type FromGuardian, type GuardianSettings, type Kind, Lines } from "./messages.js"

/** What the program learns of its guardian. */
export interface Listener {
  readonly onWarning: (text: string) => void
  readonly onSwept: (deleted: number, undeleted: ReadonlyArray<string>) => void
}

/** How often a guardian that ended is started again, and the delay before the first time in milliseconds; it doubles. */
const maxRestarts = 5
const firstDelay = 200

/** How long a guardian may take to start. */
const startTimeout = 30_000

/** A guardian that does not read for so many bytes is no guardian. */
const maxUnread = 4 * 1024 * 1024

/** Options of Node by which programs choose how connections are made. */
const connectionOption =
  /^--(?:use-(?:openssl|bundled|system)-ca|tls-|openssl-|(?:force|enable)-fips|dns-result-order|(?:no-)?network-family)/

const environmentNames = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_TLS_REJECT_UNAUTHORIZED"]

/** As it is where the working directory is gone: nothing can be found from there. */
const absolute = (path: string): string => {
  try {
    return Path.resolve(path)
  } catch {
    return path
  }
}

/** Nothing but what concerns connections: the API key may be in the environment of the program. */
const environmentOf = (all: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(environmentNames.flatMap((name) => {
    const value = all[name]
    if (value === undefined) return []
    return [[name, /CERT/.test(name) && value !== "" ? absolute(value) : value]]
  }))

/** The words of `NODE_OPTIONS`: a space in double quotes is part of its word, and there a backslash stands before any character. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  (text.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((word) =>
    word.replace(/"((?:[^"\\]|\\.)*)"/g, (_, quoted: string) => quoted.replace(/\\(.)/g, "$1"))
  )

/** With its value where that is the next word. */
const nodeOptions = (): ReadonlyArray<string> => {
  let isGiven = false
  return [...wordsOf(process.env["NODE_OPTIONS"] ?? ""), ...process.execArgv].filter((word) => {
    if (word.startsWith("-")) isGiven = connectionOption.test(word)
    return isGiven
  })
}

/** Most of its memory is that of Node itself: small young generations, and no more heap than a few thousand sessions take. */
const memoryOptions = ["--max-semi-space-size=1", "--max-old-space-size=256"]

const programFile = (): string | undefined => {
  const file = Path.join(packageFolder(import.meta.url) ?? ".", "dist", "guardian.cjs")
  return Fs.existsSync(file) ? file : undefined
}

/** The sessions of one service. */
class Watched {
  readonly account: Account
  readonly ids: Readonly<Record<Kind, Set<string>>> = { attempt: new Set(), session: new Set() }

  constructor(account: Account) {
    this.account = account
  }
}

export class GuardianProcess {
  readonly #settings: GuardianSettings
  readonly #listener: Listener
  readonly #watched = new Map<number, Watched>()
  #child: ChildProcessWithoutNullStreams | undefined
  #count = 0
  #restarts = 0
  #restarting: NodeJS.Timeout | undefined
  #isEnded = false

  constructor(settings: GuardianSettings, listener: Listener) {
    this.#settings = settings
    this.#listener = listener
  }

  /** Calls back with the reason why it could not start, or without one when it is ready. */
  start(onStarted: (reason?: string) => void): void {
    const file = programFile()
    if (file === undefined) {
      return onStarted("its program, dist/guardian.cjs of @effect-agb/platform-node, is not installed")
    }
    const child = spawn(process.execPath, [...nodeOptions(), ...memoryOptions, file], {
      detached: true,
      cwd: Path.parse(process.execPath).root,
      env: environmentOf(process.env),
      stdio: ["pipe", "pipe", "ignore"]
    }) as unknown as ChildProcessWithoutNullStreams
    let isStarting = true
    const settle = (reason?: string) => {
      if (!isStarting) return
      isStarting = false
      clearTimeout(timer)
      if (reason === undefined) this.#release(child)
      else this.#abandon(child)
      onStarted(reason)
    }
    const timer = setTimeout(() => settle("it did not answer in time"), startTimeout)
    child.once("error", (error) => settle(`${(error as NodeJS.ErrnoException).code ?? error.name} of its process`))
    // Without descriptors for its pipes it has none.
    if ((child.stdin as unknown) === undefined) return
    this.#child = child
    const lines = new Lines((line) => this.#onMessage(decode(line), settle))
    child.stdout.setEncoding("utf8").on("data", lines.push)
    child.stdin.on("error", () => {})
    child.stdout.on("error", () => {})
    child.once("exit", (code, signal) => {
      const how = signal ?? `exit code ${code}`
      if (isStarting) return settle(`it ended with ${how}`)
      if (this.#child === child) this.#onExit(how)
    })
    this.#write(encode(["start", this.#settings]))
    for (const [watch, watched] of this.#watched) this.#tell(watch, watched)
  }

  /** Starts to watch over the sessions of an account; `close` says that there will be no others. */
  open(account: Account): { readonly watch: Guardian.Watch; readonly close: () => void } {
    const watch = this.#count += 1
    const watched = new Watched(account)
    this.#watched.set(watch, watched)
    this.#tell(watch, watched)
    const add = (kind: Kind) => (id: string) => {
      if (watched.ids[kind].has(id)) return
      watched.ids[kind].add(id)
      this.#write(encode(["add", watch, kind, id]))
    }
    const remove = (kind: Kind) => (id: string) => {
      if (watched.ids[kind].delete(id)) this.#write(encode(["remove", watch, kind, id]))
    }
    return {
      watch: {
        addAttempt: add("attempt"),
        removeAttempt: remove("attempt"),
        addSession: add("session"),
        removeSession: remove("session")
      },
      close: () => {
        this.#write(encode(["close", watch]))
        if (watched.ids.attempt.size + watched.ids.session.size === 0) this.#watched.delete(watch)
      }
    }
  }

  /** The program ends: what is left is deleted by the guardian, which then ends as well. */
  end(): void {
    this.#isEnded = true
    clearTimeout(this.#restarting)
    this.#child?.stdin.end()
  }

  /** It does not keep the program from ending. */
  #release(child: ChildProcessWithoutNullStreams): void {
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) (pipe as unknown as Socket).unref()
  }

  #abandon(child: ChildProcessWithoutNullStreams): void {
    if (this.#child === child) this.#child = undefined
    for (const pipe of child.stdio) pipe?.destroy()
    child.unref()
    if (child.exitCode === null) child.kill("SIGKILL")
  }

  /** The kernel has the line when this returns, unless the guardian has not read for long. */
  #write(line: string): void {
    const child = this.#child
    if (child === undefined || this.#isEnded) return
    child.stdin.write(line)
    if (child.stdin.writableLength <= maxUnread) return
    this.#abandon(child)
    this.#onExit("a pipe that it does not read")
  }

  #onMessage(message: FromGuardian, settle: (reason?: string) => void): void {
    switch (message[0]) {
      case "ready":
        return settle()
      case "failed":
        return settle(message[1])
      case "warning":
        return this.#listener.onWarning(message[1])
      case "swept":
        return this.#listener.onSwept(message[1], message[2])
    }
  }

  #onExit(how: string): void {
    this.#child = undefined
    if (this.#isEnded) return
    const unguarded = "until then nobody deletes the sessions of this program if it is killed"
    if (this.#restarts >= maxRestarts) {
      return this.#listener.onWarning(`The guardian of sessions ended with ${how}, and is not started again`)
    }
    this.#listener.onWarning(`The guardian of sessions ended with ${how}, and is started again; ${unguarded}`)
    this.#restarting = setTimeout(() => this.#restart(), firstDelay * 2 ** this.#restarts).unref()
    this.#restarts += 1
  }

  #restart(): void {
    this.start((reason) => {
      if (reason !== undefined) this.#onExit(reason)
    })
  }

  /** All that is known, at once: the pipe keeps it for a guardian that is still starting. */
  #tell(watch: number, { account, ids }: Watched): void {
    this.#write(encode(["open", watch, account]))
    for (const kind of ["attempt", "session"] as const) {
      for (const id of ids[kind]) this.#write(encode(["add", watch, kind, id]))
    }
  }
}
