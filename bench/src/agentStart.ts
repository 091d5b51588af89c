// The start of an agent, which every cold session and every refill of the pool waits for: until it is ready, its first
// command, and the memory it then holds; as it is installed, without its code cache, and as modules that are not bundled.
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { median } from "./compare.js"
import { exited } from "./processes.js"

interface Start {
  readonly ready: number
  readonly shell?: number
  readonly mebibytes?: number
}

const rounds = 15
const warmup = 2
const nodeOptions = ["--v8-pool-size=1"]

const frame = (id: number, json: unknown): Buffer => {
  const text = Buffer.from(JSON.stringify(json))
  const head = Buffer.alloc(12)
  head.writeUInt32BE(8 + text.length, 0)
  head.writeUInt32BE(id, 4)
  head.writeUInt32BE(text.length, 8)
  return Buffer.concat([head, text])
}

/** Calls back with the id of each frame. */
const frames = (onFrame: (id: number) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const id = rest.readUInt32BE(4)
      rest = rest.subarray(4 + rest.readUInt32BE(0))
      onFrame(id)
    }
  }
}

const residentOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? NaN) / 1024

const startAgent = (file: string, home: string): Promise<Required<Start>> =>
  new Promise((resolve, reject) => {
    const config = {
      home,
      tmp: home,
      env: { PATH: "/usr/bin:/bin", HOME: home },
      interpreters: {},
      limits: { maxOutputBytes: 2 ** 20 }
    }
    const began = performance.now()
    let ready = 0
    let measured: Required<Start> | undefined
    const child = spawn(process.execPath, [...nodeOptions, file, JSON.stringify(config)], {
      env: {},
      stdio: ["pipe", "pipe", "inherit"]
    })
    const onFrame = (id: number) => {
      if (id === 0) {
        ready = performance.now() - began
        child.stdin.write(frame(1, { op: "shell", command: "echo 2" }))
        return
      }
      measured = { ready, shell: performance.now() - began - ready, mebibytes: residentOf(child.pid ?? 0) }
      child.stdin.end()
    }
    child.stdout.on("data", frames(onFrame))
    child.on("error", reject)
    child.on("exit", (code) => measured === undefined ? reject(new Error(`${file} ended: ${code}`)) : resolve(measured))
  })

const startNode = async (): Promise<Start> => {
  const began = performance.now()
  await exited(process.execPath, [...nodeOptions, "-e", "0"])
  return { ready: performance.now() - began }
}

/** Where the measured files are. */
const programs = (): ReadonlyArray<readonly [name: string, file: string]> => {
  const root = dirname(createRequire(import.meta.url).resolve("@effect-agb/platform-node/package.json"))
  const folder = join(root, "dist", "agent")
  const code = readdirSync(folder).find((name) => /^code-.*\.cjs$/.test(name)) ?? ""
  const modules = fileURLToPath(new URL("agentModules/agent/main.js", import.meta.url))
  return [
    ["the agent", join(folder, "agent.cjs")],
    ["without its code cache", join(folder, code)],
    ...(existsSync(modules) ? [["as modules that are not bundled", modules] as const] : [])
  ]
}

const cell = (value: number | undefined, unit: string): string =>
  (value === undefined ? "" : `${value.toFixed(1)} ${unit}`).padStart(12)

export const agentStart = async (): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), "agb-bench-"))
  const contenders: ReadonlyArray<readonly [name: string, run: () => Promise<Start>]> = [
    ["node -e 0, to its end", startNode],
    ...programs().map(([name, file]) => [name, () => startAgent(file, home)] as const)
  ]
  const samples = contenders.map((): Array<Start> => [])
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, [, run]] of contenders.entries()) {
      const start = await run()
      if (round >= 0) samples[index]?.push(start)
    }
  }
  rmSync(home, { recursive: true, force: true })
  const title = `\nThe start of an agent (${rounds} rounds)`.padEnd(59)
  console.log(title, "ready".padStart(12), "first shell".padStart(12), "resident".padStart(12))
  for (const [index, [name]] of contenders.entries()) {
    const all = samples[index] ?? []
    const middle = (key: keyof Start) => {
      const values = all.flatMap((start) => start[key] ?? [])
      return values.length === 0 ? undefined : median(values)
    }
    const cells = [cell(middle("ready"), "ms"), cell(middle("shell"), "ms"), cell(middle("mebibytes"), "MiB")]
    console.log(`  ${name.padEnd(56)}`, ...cells)
  }
}
