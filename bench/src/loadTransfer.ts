// One large file into a session and out of it, by the routes that there are: how long each takes, and what the server and
// the agent of the session hold meanwhile.
import { Effect, Either, Stream } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { createReadStream } from "node:fs"
import { copyFile, mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { AgbLocal } from "./agbLocal.js"
import { type Failures, say } from "./loadReport.js"
import { download, type Exchange, openExchange, upload } from "./presigned.js"
import { descendants, residentPeak, running } from "./procfs.js"
import { connectSdk, type Sdk } from "./sdk.js"
import { connect, type Wire } from "./wire.js"

const mebibyte = 2 ** 20

/** What one call of `writeFile` is given: a text of 1 GiB cannot be. */
const pieceBytes = 8 * mebibyte

type Session = Awaited<ReturnType<Sdk["open"]>>["session"]

interface Setting {
  readonly sdk: Sdk
  readonly wire: Wire
  readonly session: Session
  readonly source: string
  readonly copy: string
  readonly size: number
  readonly failures: Failures
  /** Runs one way of moving the file and says how long it took. */
  readonly timed: (name: string, work: () => Promise<void>) => Promise<void>
}

/** ASCII text of which no two lines are the same. */
const fill = async (path: string, size: number): Promise<void> => {
  const file = await open(path, "w")
  for (let written = 0; written < size; written += mebibyte) {
    await file.write(randomBytes(mebibyte / 2).toString("hex"))
  }
  await file.close()
}

const sumOf = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash("sha256")
  for await (const piece of content) hash.update(piece)
  return hash.digest("hex")
}

const sameAs = (sum: string, found: string): void => {
  if (found !== sum) throw new Error("the content is not the same")
}

const sumInside = async ({ sdk, session }: Setting, path: string): Promise<string> => {
  const options = { timeout: "2 minutes" } as const
  const { stdout } = await sdk.run(session.command.executeCommand(`sha256sum < ${path}`, options))
  return stdout.slice(0, 64)
}

const presigned = async (setting: Setting, exchange: Exchange, sum: string): Promise<void> => {
  const { copy, failures, sdk, session, source, timed, wire } = setting
  const path = `${exchange.folder}/large`
  await timed("presigned upload + sync", async () => {
    await upload.put(wire, exchange, path, source)
    await upload.sync(wire, exchange)
  })
  await failures.watch("presigned upload", async () => sameAs(sum, await sumInside(setting, path)))
  // A sync skips what has not changed since the last one.
  await sdk.run(session.command.executeCommand(`touch ${path}`))
  await timed("sync + presigned download", async () => {
    await download.sync(wire, exchange)
    await download.get(wire, exchange, path, copy)
  })
  await failures.watch("presigned download", async () => sameAs(sum, await sumOf(createReadStream(copy))))
  await sdk.run(session.fileSystem.deleteFile(path))
}

const pieces = async (setting: Setting, path: string, sum: string): Promise<void> => {
  const { failures, sdk, session: { fileSystem }, source, timed } = setting
  await timed("fileSystem.writeFile, appending", async () => {
    let mode: "overwrite" | "append" = "overwrite"
    for await (const piece of createReadStream(source, { encoding: "latin1", highWaterMark: pieceBytes })) {
      await sdk.run(fileSystem.writeFile(path, String(piece), { mode }))
      mode = "append"
    }
  })
  await failures.watch("fileSystem.writeFile", async () => sameAs(sum, await sumInside(setting, path)))
  await timed("fileSystem.readFileStream", async () => {
    const hash = createHash("sha256")
    await sdk.run(Stream.runForEach(fileSystem.readFileStream(path), (piece) => Effect.sync(() => hash.update(piece))))
    sameAs(sum, hash.digest("hex"))
  })
}

/** What reads a file at once must refuse one that is too large for it, and say how large it may be. */
const refusals = async ({ sdk, session: { fileSystem }, size }: Setting, path: string): Promise<void> => {
  for (const [name, maxBytes] of [["by default", undefined], ["with maxBytes of its size", size]] as const) {
    const options = maxBytes === undefined ? {} : { maxBytes }
    const outcome = await sdk.run(Effect.either(fileSystem.readFile(path, options)))
    const told = Either.match(outcome, {
      onLeft: (error) => `${error._tag}: ${error.message}`,
      onRight: (text) => `${text.length} characters`
    })
    say(`fileSystem.readFile, ${name}`, told.replace(path, "large"))
  }
}

export const loadTransfer = async (server: AgbLocal, mebibytes: number, failures: Failures): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "agb-load-transfer-"))
  const [source, copy] = [join(folder, "source"), join(folder, "copy")]
  await fill(source, mebibytes * mebibyte)
  const sum = await sumOf(createReadStream(source))
  const [sdk, wire] = [connectSdk(server), connect(server)]
  const { close, session } = await sdk.open()
  const peaks = () => {
    const agents = running(descendants(server.pid), "agent.cjs").map(residentPeak)
    return `server ${residentPeak(server.pid).toFixed(0)} MiB, agent ${Math.max(...agents).toFixed(0)} MiB`
  }

  console.log(`\nA file of ${mebibytes} MiB; the largest resident memory since the start`)
  say("before", peaks())
  const start = performance.now()
  await copyFile(source, copy)
  const baseline = performance.now() - start
  say("baseline: fs.copyFile", `${(baseline / 1000).toFixed(2)} s`)
  const timed: Setting["timed"] = async (name, work) => {
    const start = performance.now()
    await failures.watch(name, work)
    const millis = performance.now() - start
    say(name, `${(millis / 1000).toFixed(2)} s, ${(millis / baseline).toFixed(1)} x baseline; ${peaks()}`)
  }
  const setting = { sdk, wire, session, source, copy, size: mebibytes * mebibyte, failures, timed }
  const exchange = await openExchange(wire, session.sessionId)
  if (typeof exchange === "string") failures.add("presigned", exchange)
  else await presigned(setting, exchange, sum)
  const { stdout } = await sdk.run(session.command.executeCommand("pwd"))
  await pieces(setting, `${stdout.trim()}/large`, sum)
  await refusals(setting, `${stdout.trim()}/large`)
  await close()
  await sdk.dispose()
  await wire.close()
  await rm(folder, { recursive: true })
}
