// What the comparisons run side by side, started once: the local runtime as a process of its own with the SDK connected
// to it, and its nearest alternatives where they are installed.
import type { Agb } from "@effect-agb/core"
import { Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { Effect, Exit, ManagedRuntime, Scope } from "effect"
import { type AgbLocal, startAgbLocal } from "./agbLocal.js"
import type { Alternative, Missing } from "./compare.js"
import { type Ipykernel, startIpykernel } from "./ipykernel.js"
import { pythonPath } from "./processes.js"
import { type SandboxRuntime, startSandboxRuntime } from "./sandboxRuntime.js"

/** The SDK connected to one `agb-local`. */
export interface Local {
  readonly server: AgbLocal
  readonly run: <A, E>(effect: Effect.Effect<A, E, Agb.Agb>) => Promise<A>
  /** A session, and how to delete it. */
  readonly open: () => Promise<{ readonly session: Session.Session; readonly close: () => Promise<void> }>
  readonly stop: () => Promise<void>
}

export interface Contenders {
  readonly local: Local
  readonly python: string | undefined
  readonly ipykernel: Ipykernel | undefined
  readonly sandboxRuntime: SandboxRuntime | string
  readonly stop: () => Promise<void>
}

export const startLocal = async (args: ReadonlyArray<string> = []): Promise<Local> => {
  const server = await startAgbLocal({ args })
  const runtime = ManagedRuntime.make(NodeAgb.layer({ apiKey: server.apiKey, endpoint: server.endpoint }))
  return {
    server,
    run: (effect) => runtime.runPromise(effect),
    open: async () => {
      const scope = Effect.runSync(Scope.make())
      const session = await runtime.runPromise(Session.make({ imageId: "bench" }).pipe(Scope.extend(scope)))
      return { session, close: () => runtime.runPromise(Scope.close(scope, Exit.void)) }
    },
    stop: async () => {
      await runtime.dispose()
      await server.stop()
    }
  }
}

/** A comparison with ipykernel, or the reason why there is none. */
export const viaIpykernel = (
  { ipykernel }: Contenders,
  name: string,
  how: (ipykernel: Ipykernel) => Omit<Alternative, "name">
): Alternative | Missing =>
  ipykernel === undefined
    ? { name: `ipykernel, ${name}`, missing: "not installed" }
    : { name: `ipykernel ${ipykernel.version}, ${name}`, ...how(ipykernel) }

/** A command through sandbox-runtime, or the reason why there is none. */
export const viaSandboxRuntime = ({ sandboxRuntime }: Contenders, command: string): Alternative | Missing =>
  typeof sandboxRuntime === "string"
    ? { name: `sandbox-runtime, ${command}`, missing: sandboxRuntime }
    : { name: `${sandboxRuntime.name}, ${command}`, run: () => sandboxRuntime.run(command) }

export const startContenders = async (): Promise<Contenders> => {
  const local = await startLocal()
  const ipykernel = await startIpykernel()
  const sandboxRuntime = await startSandboxRuntime()
  return {
    local,
    python: pythonPath(),
    ipykernel,
    sandboxRuntime,
    stop: async () => {
      await local.stop()
      ipykernel?.stop()
      if (typeof sandboxRuntime !== "string") await sandboxRuntime.stop()
    }
  }
}
