// What the comparisons run side by side, started once: the local runtime as a process of its own with the SDK connected
// to it, and its nearest alternatives where they are installed.
import { type AgbLocal, startAgbLocal } from "./agbLocal.js"
import type { Alternative, Missing } from "./compare.js"
import { type Ipykernel, startIpykernel } from "./ipykernel.js"
import { pythonPath } from "./processes.js"
import { type SandboxRuntime, startSandboxRuntime } from "./sandboxRuntime.js"
import { connectSdk, type Sdk } from "./sdk.js"

/** The SDK connected to one `agb-local`. */
export interface Local extends Pick<Sdk, "run" | "open"> {
  readonly server: AgbLocal
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
  const { dispose, open, run } = connectSdk(server)
  return {
    server,
    run,
    open,
    stop: async () => {
      await dispose()
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
