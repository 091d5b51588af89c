// Files of 1 MiB and 256 MiB into a session and out of it, against copying them: as the file methods and transfers
// move them, and through presigned URLs with a sync between storage and sandbox. What is in memory is compared with what Node.js
// needs for the same: memory that is used for the first time costs more than the file on some machines.
import { Session as SessionTag, Transfer } from "@effect-agb/core"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Stream } from "effect"
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type BareHttp, startBareHttp } from "./bareHttp.js"
import { type Alternative, compare, type Missing } from "./compare.js"
import type { Contenders, Local } from "./contenders.js"
import { download, type Exchange, openExchange, upload } from "./presigned.js"
import { connect, type Wire } from "./wire.js"

const mebibyte = 2 ** 20

type Session = Awaited<ReturnType<Local["open"]>>["session"]

interface Setting {
  readonly local: Local
  readonly wire: Wire
  readonly session: Session
  readonly exchange: Exchange | string
  readonly folder: string
  readonly bare: BareHttp
}

const presigned = (
  exchange: Exchange | string,
  name: string,
  run: (exchange: Exchange) => Promise<unknown>
): Alternative | Missing =>
  typeof exchange === "string" ? { name, missing: exchange } : { name, run: () => run(exchange) }

setFlagsFromString("--expose-gc")
/**
 * Between samples of a large file: what one leaves in memory is not given back while the next is timed. A small one leaves little,
 * and the collection itself would take compiled code and warm memory from all of them.
 */
const collected = ({ size }: Plan) =>
  size < 64 * mebibyte ? {} : { pause: () => Promise.resolve(runInNewContext("gc")()) }

/** Each size, and how often it is copied. */
interface Plan {
  readonly size: number
  readonly rounds: number
}

/** Removes a file so that the next copy of it finds as much room as the first. */
const removal = ({ local, session }: Setting, path: string) => () => local.run(session.fileSystem.deleteFile(path))

/** `Transfer.upload` and `Transfer.download` of one file. */
const moved = ({ local, session }: Setting, transfer: ReturnType<typeof Transfer.upload>): Promise<void> =>
  local.run(
    Stream.runDrain(transfer).pipe(
      Effect.provideService(SessionTag.Session, session),
      Effect.provide(NodeFileSystem.layer)
    )
  )

/** How much more memory this process has at most while a file is moved. */
const printMemory = async (
  setting: Setting,
  name: string,
  transfer: ReturnType<typeof Transfer.upload>
): Promise<void> => {
  const before = process.memoryUsage.rss()
  let most = before
  await moved(setting, Stream.tap(transfer, () => Effect.sync(() => most = Math.max(most, process.memoryUsage.rss()))))
  console.log(`  ${name.padEnd(58)} ${((most - before) / mebibyte).toFixed(1).padStart(10)} MiB more memory at most`)
}

const into = async (setting: Setting, plan: Plan, chunked: string, through: string): Promise<void> => {
  const { bare, exchange, folder, local, session, wire } = setting
  const [source, copy] = [join(folder, "source"), join(folder, "copy")]
  const put = (to: Exchange) => upload.put(wire, to, through, source)
  const putAndSync = async (to: Exchange) => {
    await put(to)
    await upload.sync(wire, to)
  }
  const bytes = await readFile(source)
  await compare(`${plan.size / mebibyte} MiB into a session`, [
    { name: "fs.copyFile", run: () => copyFile(source, copy) },
    { name: "node:http to a file", run: () => bare.upload(source) },
    { name: "fs.writeFile", run: () => writeFile(copy, bytes) },
    { name: "fileSystem.writeFile", run: () => local.run(session.fileSystem.writeFile(chunked, bytes)) },
    { name: "Transfer.upload", run: () => moved(setting, Transfer.upload(source, chunked)) },
    presigned(exchange, "presigned upload", put),
    { ...presigned(exchange, "presigned upload + sync", putAndSync), pause: removal(setting, through) }
  ], { rounds: plan.rounds, warmup: plan.rounds > 5 ? 2 : 0 })
  await printMemory(setting, "Transfer.upload", Transfer.upload(source, chunked))
  if (typeof exchange !== "string") await putAndSync(exchange)
}

const outOf = async (setting: Setting, plan: Plan, chunked: string, through: string): Promise<void> => {
  const { bare, exchange, folder, local, session, wire } = setting
  const [source, copy] = [join(folder, "source"), join(folder, "copy")]
  const maxBytes = plan.size
  const pause = collected(plan)
  // A sync skips what has not changed since the last one.
  const change = () => local.run(session.command.executeCommand(`touch ${through}`))
  await change()
  await compare(`${plan.size / mebibyte} MiB out of a session`, [
    { ...pause, name: "fs.copyFile", run: () => copyFile(source, copy) },
    { ...pause, name: "node:http from a file", run: () => bare.download(copy) },
    { ...pause, name: "fs.readFile", run: () => readFile(source) },
    {
      ...pause,
      name: "fileSystem.readFileBytes",
      run: () => local.run(session.fileSystem.readFileBytes(chunked, { maxBytes }))
    },
    { ...pause, name: "Transfer.download", run: () => moved(setting, Transfer.download(chunked, copy)) },
    { ...pause, ...presigned(exchange, "presigned download", (from) => download.get(wire, from, through, copy)) },
    {
      ...presigned(exchange, "sync + presigned download", async (from) => {
        await download.sync(wire, from)
        await download.get(wire, from, through, copy)
      }),
      pause: change
    }
  ], { rounds: plan.rounds, warmup: plan.rounds > 5 ? 2 : 0 })
  await printMemory(setting, "Transfer.download", Transfer.download(chunked, copy))
  await removal(setting, chunked)()
  if (typeof exchange !== "string") await removal(setting, through)()
}

export const transfer = async ({ local }: Contenders): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "agb-bench-"))
  const wire = connect(local.server)
  const { close, session } = await local.open()
  const exchange = await openExchange(wire, session.sessionId)
  const bare = await startBareHttp(join(folder, "bare"))
  const setting = { local, wire, session, exchange, folder, bare }
  const { stdout } = await local.run(session.command.executeCommand("pwd"))
  const chunked = `${stdout.trim()}/chunked`
  const through = `${typeof exchange === "string" ? "" : exchange.folder}/file`
  const plans = [
    { size: mebibyte, rounds: 20 },
    { size: 256 * mebibyte, rounds: 6 }
  ]
  for (const plan of plans) {
    await writeFile(join(folder, "source"), "0123456789abcdef".repeat(plan.size / 16))
    await into(setting, plan, chunked, through)
    await outOf(setting, plan, chunked, through)
  }
  bare.stop()
  await close()
  await wire.close()
  await rm(folder, { recursive: true })
}
