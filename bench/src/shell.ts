// A shell command in a session that lives, against a process per command.
import { Session } from "@effect-agb/core"
import { Effect, Exit, Scope } from "effect"
import { compare } from "./compare.js"
import { type Contenders, viaSandboxRuntime } from "./contenders.js"
import { exited } from "./processes.js"
import { startRuntime } from "./runtime.js"
import { connect, createSession, deleteSession, succeeded, toolText } from "./wire.js"

export const shell = async (contenders: Contenders): Promise<void> => {
  const { local, sandboxRuntime } = contenders
  const { close, session } = await local.open()
  const inside = await startRuntime()
  const scope = Effect.runSync(Scope.make())
  const near = await inside.runtime.runPromise(Session.make({ imageId: "bench" }).pipe(Scope.extend(scope)))
  const wire = connect(local.server)
  const { sessionId } = await createSession(wire)
  const wrapped = typeof sandboxRuntime === "string" ? undefined : await sandboxRuntime.wrap("true")

  await compare("A shell command", [
    { name: "spawn sh -c true", run: () => exited("/bin/sh", ["-c", "true"]) },
    viaSandboxRuntime(contenders, "true"),
    wrapped === undefined
      ? { name: "sandbox-runtime, wrapped before", missing: String(sandboxRuntime) }
      : { name: "sandbox-runtime, wrapped before", run: wrapped },
    { name: "executeCommand true", run: () => local.run(session.command.executeCommand("true")) },
    {
      name: "executeCommand true, runtime in this process",
      run: () => inside.runtime.runPromise(near.command.executeCommand("true"))
    },
    {
      name: "shell over bare undici",
      run: async () => toolText(await wire.callTool(sessionId, "shell", { command: "true" }))
    },
    {
      name: "least of the wire: getSessionInfo over bare undici",
      run: async () => succeeded(await wire.post("/mcp/getSessionInfo", { sessionId }))
    }
  ], { rounds: 100, warmup: 10 })

  await deleteSession(wire, sessionId)
  await wire.close()
  await inside.runtime.runPromise(Scope.close(scope, Exit.void))
  await inside.runtime.dispose()
  await close()
}
