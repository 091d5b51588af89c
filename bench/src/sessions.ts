// From nothing to the first output: a session is created and runs one thing; deleting it is not timed.
import { Agb } from "@effect-agb/core"
import { Effect, Stream } from "effect"
import { setTimeout } from "node:timers/promises"
import { type Alternative, compare, type Missing } from "./compare.js"
import { type Contenders, type Local, startLocal, viaIpykernel, viaSandboxRuntime } from "./contenders.js"
import { exited, find, output } from "./processes.js"

/** Long enough for the next sandbox to be ready. */
const refill = 150

const created = (
  local: Local,
  name: string,
  first: (session: Awaited<ReturnType<Local["open"]>>["session"]) => Promise<unknown>
): Alternative => {
  let close = () => Promise.resolve()
  return {
    name,
    run: async () => {
      const opened = await local.open()
      close = opened.close
      await first(opened.session)
    },
    pause: async () => {
      await close()
      await setTimeout(refill)
    }
  }
}

/** What a call costs after the pause of the others: whatever slept in between has to be woken. */
const request = (local: Local): Alternative => ({
  name: "a request that needs no sandbox, after the same pause",
  run: () => local.run(Effect.flatMap(Agb.Agb, (agb) => Stream.runCollect(agb.list()))),
  pause: () => setTimeout(refill)
})

const ways = (local: Local, what: string): ReadonlyArray<Alternative> => [
  created(local, `create, ${what}`, () => Promise.resolve()),
  created(local, `create + command, ${what}`, ({ command }) => local.run(command.executeCommand("echo 2"))),
  created(local, `create + JavaScript, ${what}`, ({ code }) => local.run(code.runCode("1 + 1", "javascript"))),
  ...(local.server.languages.includes("python")
    ? [created(local, `create + Python, ${what}`, ({ code }) => local.run(code.runCode("1 + 1", "python")))]
    : [])
]

/** What the parts of a sandbox cost without us. */
const bwrapFloor = (): Alternative | Missing => {
  const name = "bwrap and node -e 0 inside"
  const bwrap = find("bwrap")
  const args = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "--die-with-parent"]
  return bwrap === undefined
    ? { name, missing: "not installed" }
    : { name, run: () => exited(bwrap, [...args, process.execPath, "-e", "0"]) }
}

export const sessions = async (contenders: Contenders): Promise<void> => {
  const { local, python } = contenders
  const cold = await startLocal(["--warm", "0"])
  await compare("From nothing to the first output", [
    { name: "spawn node -e", run: () => output(process.execPath, ["-e", "console.log(1 + 1)"]) },
    python === undefined
      ? { name: "spawn python3 -c", missing: "not installed" }
      : { name: "spawn python3 -c", run: () => output(python, ["-c", "print(1 + 1)"]) },
    bwrapFloor(),
    viaSandboxRuntime(contenders, "echo 2"),
    viaSandboxRuntime(contenders, "/usr/bin/python3 -c 'print(1 + 1)'"),
    viaIpykernel(contenders, "start + first run", ({ cold, end }) => ({ run: cold, pause: end, every: 5 })),
    request(local),
    ...ways(local, "warm pool"),
    ...ways(cold, "cold").map((way) => ({ ...way, every: 2 }))
  ], { rounds: 20, warmup: 2 })
  await cold.stop()
}
