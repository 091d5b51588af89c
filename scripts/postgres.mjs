// A Postgres for a test or a benchmark: run by an ordinary user, with its data in a folder of its own, reached by a socket there.
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Debian keeps the programs of each version in a folder that is not in the PATH. */
const debian = "/usr/lib/postgresql"

const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : []

const folders = [...versions.map((version) => join(debian, version, "bin")), ...(process.env.PATH ?? "").split(":")]

/** The folder of its programs, if it is installed. */
export const programs = folders.find((folder) =>
  ["initdb", "postgres", "psql"].every((name) => existsSync(join(folder, name)))
)

export const isInstalled = programs !== undefined

/** Postgres refuses to run as root. */
const ordinaryUser = () => {
  if (process.getuid() !== 0) return undefined
  const users = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"))
  const [, , uid, gid] = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody")
  return { uid: Number(uid), gid: Number(gid) }
}

export class Postgres {
  /** What clients take for its host; its user and its database are `agb`. */
  folder = mkdtempSync(join(tmpdir(), "agb-pg-"))
  #data = join(this.folder, "data")
  #log = join(this.folder, "log")
  #user = ordinaryUser()
  #child

  #command(name, args) {
    const under = this.#user === undefined
      ? []
      : ["setpriv", `--reuid=${this.#user.uid}`, `--regid=${this.#user.gid}`, "--clear-groups"]
    const [command, ...rest] = [...under, join(programs, name), ...args]
    return [command, rest]
  }

  async start() {
    mkdirSync(this.#data)
    if (this.#user !== undefined) {
      for (const path of [this.folder, this.#data]) chownSync(path, this.#user.uid, this.#user.gid)
    }
    const options = ["-U", "agb", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    const [command, args] = this.#command("initdb", ["-D", this.#data, ...options])
    execFileSync(command, args, { cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] })
    await this.#run()
    await this.query("CREATE DATABASE agb", "postgres")
  }

  /** Loses what its clients had under way, as a crash does, and comes back. */
  async restart() {
    await this.stop("SIGQUIT")
    await this.#run()
  }

  async stop(signal = "SIGINT") {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill(signal)
    await ended
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Returns the rows as `psql` prints them. */
  async query(sql, database = "agb") {
    const child = spawn(join(programs, "psql"), ["-h", this.folder, "-U", "agb", "-d", database, "-Atc", sql])
    let [output, complaint] = ["", ""]
    child.stdout.on("data", (chunk) => output += chunk)
    child.stderr.on("data", (chunk) => complaint += chunk)
    const [code] = await once(child, "close")
    if (code !== 0) throw new Error(complaint)
    return output
  }

  async #run() {
    // What a crash of the process leaves is whole also without fsync; only a crash of the machine is not.
    const settings = { listen_addresses: "", unix_socket_directories: this.folder, fsync: "off", max_connections: 200 }
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const [command, args] = this.#command("postgres", ["-D", this.#data, ...flags])
    const log = openSync(this.#log, "a")
    this.#child = spawn(command, args, { cwd: this.folder, stdio: ["ignore", log, log] })
    closeSync(log)
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(readFileSync(this.#log, "utf8"))
      if (await this.query("SELECT 1", "postgres").then(() => true, () => false)) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
