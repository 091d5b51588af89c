/** Holds unit tests to what they promise: whoever starts a process or a thread or listens on a port fails. */
import * as ChildProcess from "node:child_process"
import * as Dgram from "node:dgram"
import { createRequire, syncBuiltinESMExports } from "node:module"
import * as Net from "node:net"
import { afterAll } from "vitest"

const require = createRequire(import.meta.url)

const tried: Array<string> = []

const refuse = (target: object, name: string): void => {
  // Not an arrow function: `Worker` is called with `new`.
  const refusal = function() {
    tried.push(name)
    throw new Error(`a unit test must not start anything, but called ${name}`)
  }
  Object.defineProperty(target, name, { value: refusal, configurable: true, writable: true })
}

for (const name of ["execFileSync", "execSync", "spawnSync"]) refuse(require("node:child_process") as object, name)
for (const name of ["spawn"]) refuse(ChildProcess.ChildProcess.prototype, name)
refuse(require("node:worker_threads") as object, "Worker")
refuse(Net.Server.prototype, "listen")
refuse(Dgram.Socket.prototype, "bind")
syncBuiltinESMExports()

/** Also where the error was caught. */
afterAll(() => {
  const calls = tried.splice(0)
  if (calls.length > 0) throw new Error(`a unit test must not start anything, but called ${calls.join(", ")}`)
})
