/** Files that stop moving on their way through the server: whoever does not go on has the whole time from when it was its turn. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { IncomingMessage } from "node:http"
import { PassThrough } from "node:stream"
import { afterEach, beforeEach, vi } from "vitest"
import { encode } from "../../src/internal/agentWire/frames.js"
import { fileWindowBytes } from "../../src/internal/agentWire/window.js"
import { SandboxConnection } from "../../src/internal/sandbox/channel/connection.js"
import { type FileWriter, writeFile } from "../../src/internal/sandbox/channel/fileStreams.js"
import type { Sandbox } from "../../src/internal/sandbox/sandbox.js"
import * as fileBytes from "../../src/internal/server/sessions/fileBytes.js"

const file = { path: "/a", mode: "overwrite" } as const

const passOfLoop = () => new Promise((resolve) => setImmediate(resolve))

const ready = async () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  stdin.resume()
  const connection = new SandboxConnection({ stdin, stdout }, () => {}, new Promise(() => {}), 1000)
  stdout.write(Buffer.concat([...encode(0, { ready: true })]))
  await connection.ready
  while (connection.isBehind) await passOfLoop()
  return connection
}

describe("a file that does not move", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))
  afterEach(() => void vi.useRealTimers())

  it("is waited for from when the agent has what it needs", async () => {
    const connection = await ready()
    const writing = writeFile(connection)(file, { onRoom: () => {}, onEnd: () => {} })
    vi.advanceTimersByTime(300_000)
    assert.isFalse(writing.send(new Uint8Array(fileWindowBytes)))
    vi.advanceTimersByTime(119_000)
    assert.isFalse(connection.isLost)
    vi.advanceTimersByTime(2000)
    assert.isTrue(connection.isLost)
    assert.include((await connection.lost).reason, "did not go on with streamWrite")
  })

  it("is waited for from when there is room for what the client sends", async () => {
    const writers: Array<FileWriter> = []
    let isCancelled = false
    const sandbox: Pick<Sandbox, "writeFile"> = {
      writeFile: (_, writer) => {
        writers.push(writer)
        return { send: () => false, end: () => {}, cancel: () => void (isCancelled = true) }
      }
    }
    const request = new PassThrough()
    const written = Effect.runPromise(Effect.flip(
      fileBytes.writeFile(sandbox as Sandbox, file, request as unknown as IncomingMessage)
    ))
    request.write("bytes")
    while (!request.isPaused()) await passOfLoop()
    vi.advanceTimersByTime(100_000)
    writers[0]?.onRoom()
    vi.advanceTimersByTime(59_000)
    assert.isFalse(isCancelled)
    vi.advanceTimersByTime(2000)
    assert.isTrue(isCancelled)
    assert.include(await written, { status: 408 })
  })
})
