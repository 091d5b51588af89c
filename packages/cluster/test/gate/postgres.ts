/** A Postgres of the gate's own, run by an ordinary user, reached by a socket in a folder of its own. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const debian = "/usr/lib/postgresql"

const folders = (): Array<string> => {
  const versions = Fs.existsSync(debian) ? Fs.readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : []
  return [...versions.map((version) => Path.join(debian, version, "bin")), ...(process.env["PATH"] ?? "").split(":")]
}

/** The folder of its programs, if it is installed. */
export const programs = folders().find((folder) =>
  ["initdb", "postgres"].every((name) => Fs.existsSync(Path.join(folder, name)))
)

/** Postgres refuses to run as root. */
const asOrdinaryUser = (): ReadonlyArray<string> => {
  if (process.getuid?.() !== 0) return []
  const users = Fs.readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"))
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody")
  return ["setpriv", `--reuid=${user?.[2]}`, `--regid=${user?.[3]}`, "--clear-groups"]
}

export class Postgres {
  /** What clients take for its host. */
  readonly folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-pg-"))
  readonly #under = asOrdinaryUser()
  #child: ChildProcess | undefined
  readonly #data = Path.join(this.folder, "data")

  #command(name: string, args: ReadonlyArray<string>): [string, Array<string>] {
    const [command = "", ...rest] = [...this.#under, Path.join(programs ?? "", name), ...args]
    return [command, rest]
  }

  async start(): Promise<void> {
    if (!Fs.existsSync(this.#data)) {
      Fs.mkdirSync(this.#data)
      const id = (flag: string) => Number(this.#under.find((arg) => arg.startsWith(flag))?.split("=")[1])
      if (this.#under.length > 0) {
        for (const path of [this.folder, this.#data]) Fs.chownSync(path, id("--reuid"), id("--regid"))
      }
      const [command, args] = this.#command("initdb", ["-D", this.#data, "-U", "gate", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
      execFileSync(command, args, { cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] })
    }
    await this.#run()
    await this.query("SELECT 1 FROM pg_database WHERE datname = 'gate'").then((rows) =>
      rows.includes("1") ? "" : this.query("CREATE DATABASE gate"))
  }

  /** Loses what its clients had under way, as a crash does, and comes back. */
  async restart(): Promise<void> {
    await this.stop("SIGQUIT")
    await this.#run()
  }

  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill(signal)
    await ended
  }

  remove(): void {
    Fs.rmSync(this.folder, { recursive: true, force: true })
  }

  async query(sql: string, database = "postgres"): Promise<string> {
    const child = spawn(Path.join(programs ?? "", "psql"), ["-h", this.folder, "-U", "gate", "-d", database, "-Atc", sql])
    let [output, complaint] = ["", ""]
    child.stdout.on("data", (chunk) => output += chunk)
    child.stderr.on("data", (chunk) => complaint += chunk)
    const [code] = await once(child, "close")
    if (code !== 0) throw new Error(complaint)
    return output
  }

  async #run(): Promise<void> {
    // What a crash of the process leaves is whole also without fsync; only a crash of the machine is not.
    const settings = { listen_addresses: "", unix_socket_directories: this.folder, fsync: "off", max_connections: 200 }
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const [command, args] = this.#command("postgres", ["-D", this.#data, ...flags])
    const log = Fs.openSync(Path.join(this.folder, "log"), "a")
    this.#child = spawn(command, args, { cwd: this.folder, stdio: ["ignore", log, log] })
    Fs.closeSync(log)
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(Fs.readFileSync(Path.join(this.folder, "log"), "utf8"))
      if (await this.query("SELECT 1").then(() => true, () => false)) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
