/** Files. */
import assert from "node:assert/strict"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bad, good, until, Walk } from "./report.js"

export const walk = new Walk()

walk.observes(
  ["Directory listing", "Read missing file", "Delete missing file", "Removed file"],
  async (_agb, { file }) => {
    good(await file.mkdir("/tmp/ts"))
    assert.deepEqual(good(await file.list("/tmp/ts")), [])
    good(await file.write("/tmp/ts/a.txt", "a", "create_new"))
    bad(await file.write("/tmp/ts/a.txt", "b", "create_new"))
    good(await file.mkdir("/tmp/ts/sub"))
    const entries = good(await file.list("/tmp/ts")).map(({ name, type }) => `${type} ${name}`)
    assert.deepEqual(entries.sort(), ["directory sub", "file a.txt"])
    const { isDirectory, modTime, name, size } = good(await file.info("/tmp/ts/a.txt"))
    assert.deepEqual([name, size, isDirectory], ["a.txt", 1, false])
    assert.match(modTime, /^\d{4}-\d\d-\d\dT\d\d$/)
    good(await file.remove("/tmp/ts/a.txt"))
    bad(await file.info("/tmp/ts/a.txt"))
    bad(await file.read("/tmp/ts/a.txt"))
    assert.ok((await file.remove("/tmp/ts/a.txt")).requestId)
    bad(await file.read("/tmp/ts"))
  }
)

walk.observes(["Edit without match", "Move", "Read batch", "Search"], async (_agb, { file }) => {
  good(await file.write("/tmp/ts/e.txt", "one\n"))
  good(await file.write("/tmp/ts/e.txt", "two\n", "append"))
  assert.ok((await file.edit("/tmp/ts/e.txt", [{ oldText: "zzz", newText: "x" }])).requestId)
  assert.equal(good(await file.read("/tmp/ts/e.txt")), "one\ntwo\n")
  good(await file.edit("/tmp/ts/e.txt", [{ oldText: "one", newText: "1" }]))
  good(await file.move("/tmp/ts/e.txt", "/tmp/ts/moved.txt"))
  bad(await file.info("/tmp/ts/e.txt"))
  assert.deepEqual(good(await file.readBatch(["/tmp/ts/moved.txt"])), new Map([["/tmp/ts/moved.txt", "1\ntwo"]]))
  assert.deepEqual(good(await file.search("/tmp/ts", "*.txt")), ["/tmp/ts/moved.txt"])
  assert.deepEqual(good(await file.search("/tmp/ts", "*.txt", ["moved*"])), [])
})

walk.observes(["Large files", "files are read and written in pieces", "Binary"], async (_agb, session) => {
  const content = "0123456789".repeat(10_000)
  good(await session.file.write("/tmp/ts_large.txt", content))
  assert.equal(good(await session.file.read("/tmp/ts_large.txt")), content)
  const wide = `${"é".repeat(51_200)}😀`
  good(await session.file.write("/tmp/ts_large.txt", wide))
  assert.equal(good(await session.file.readBytes("/tmp/ts_large.txt")).toString(), wide)
  await session.code.run("open('/tmp/ts.bin', 'wb').write(bytes(range(256)) * 500)", "python")
  const bytes = good(await session.file.readBytes("/tmp/ts.bin"))
  assert.ok(bytes.length === 128_000 && bytes.every((byte, index) => byte === index % 256))
})

walk.observes(["File changes"], async (_agb, { file }) => {
  good(await file.mkdir("/tmp/ts_changing"))
  good(await file.changes("/tmp/ts_changing"))
  good(await file.write("/tmp/ts_changing/a.txt", "a"))
  assert.ok(good(await file.changes("/tmp/ts_changing")).some(({ path }) => path === "/tmp/ts_changing/a.txt"))
})

walk.observes(["Watching"], async (_agb, { file }) => {
  const polls: Array<ReadonlyArray<{ readonly path: string }>> = []
  good(await file.mkdir("/tmp/ts_watched"))
  const stop = file.watch("/tmp/ts_watched", (changes) => polls.push(changes), 100)
  await until(() => polls.length >= 2)
  good(await file.write("/tmp/ts_watched/w.txt", "1"))
  await until(() => polls.flat().some(({ path }) => path === "/tmp/ts_watched/w.txt"))
  stop()
  assert.ok(polls.some((changes) => changes.length === 0), "empty polls are told as well")
})

walk.observes(["upload", "download"], async (_agb, { file }) => {
  const local = await mkdtemp(join(tmpdir(), "agb-walk-"))
  try {
    const bytes = Buffer.from(new Uint8Array(300_000).map((_, index) => index * 31))
    await writeFile(join(local, "up.bin"), bytes)
    const remote = `${await file.transferPath()}/ts_up.bin`
    const sent = await file.upload(join(local, "up.bin"), remote)
    assert.ok(sent.success && sent.etag)
    assert.ok(good(await file.readBytes(remote)).equals(bytes))
    const received = await file.download(remote, join(local, "down.bin"))
    assert.deepEqual(received, { success: true, bytesReceived: 300_000 })
    assert.ok((await readFile(join(local, "down.bin"))).equals(bytes))
    assert.equal((await file.download(`${remote}.nowhere`, join(local, "nowhere"))).success, false)
  } finally {
    await rm(local, { recursive: true })
  }
})
