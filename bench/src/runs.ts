// Sessions, code and commands on the local runtime, against starting the same programs as child processes.
import { Session } from "@effect-agb/core"
import { Effect, Exit, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { setTimeout } from "node:timers/promises"
import { type Alternative, compare } from "./compare.js"
import { exited } from "./processes.js"
import { startRuntime } from "./runtime.js"

export const runs = async (): Promise<void> => {
  const { languages, mechanism, runtime } = await startRuntime()
  const scope = Effect.runSync(Scope.make())
  const session = await runtime.runPromise(Session.make({ imageId: "bench" }).pipe(Scope.extend(scope)))

  const use = () => runtime.runPromise(Session.use({ imageId: "bench" }, () => Effect.void))
  await compare(`Session create + delete (isolation: ${mechanism})`, [
    { name: "spawn node -e 0", run: () => exited(process.execPath, ["-e", "0"]) },
    { name: "Session.use, from the warm pool", run: use, pause: () => setTimeout(200) },
    { name: "Session.use, one after the other", run: use }
  ], { rounds: 15 })

  const code = (language: string, source: string): Alternative => ({
    name: `runCode, warm ${language}`,
    run: () => runtime.runPromise(session.code.runCode(source, language))
  })
  if (languages.includes("python")) {
    const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim()
    await compare("Python 1 + 1", [
      { name: "spawn python3 -c", run: () => exited(python, ["-c", "print(1 + 1)"]) },
      code("python", "1 + 1")
    ], { rounds: 30 })
  }
  await compare("JavaScript 1 + 1", [
    { name: "spawn node -e", run: () => exited(process.execPath, ["-e", "console.log(1 + 1)"]) },
    code("javascript", "1 + 1")
  ], { rounds: 30 })
  await compare("A shell command", [
    { name: "spawn sh -c true", run: () => exited("/bin/sh", ["-c", "true"]) },
    { name: "executeCommand true", run: () => runtime.runPromise(session.command.executeCommand("true")) }
  ], { rounds: 50 })

  await runtime.runPromise(Scope.close(scope, Exit.void))
  await runtime.dispose()
}
