/** How long stored files are kept, by a clock of our own. */
import { AgbApi } from "@effect-agb/core"
import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { ContextStore } from "../../src/internal/contexts/store/contextStore.js"
import * as policies from "../../src/internal/contexts/sync/policies.js"

const day = 24 * 60 * 60 * 1000

const policy = (lifecycle: AgbApi.Lifecycle, paths: ReadonlyArray<string>) =>
  Schema.decodeSync(AgbApi.SyncPolicy)({ recyclePolicy: { lifecycle, paths } })

it("a lifecycle holds for its paths alone", () => {
  const logs = policy("Lifecycle_3Days", ["logs", "/tmp/"])
  assert.strictEqual(policies.expiry(logs, "/logs/x", 1000), 1000 + 3 * day)
  assert.strictEqual(policies.expiry(logs, "/tmp/a/b", 0), 3 * day)
  assert.isUndefined(policies.expiry(logs, "/logs2/x", 0))
  assert.strictEqual(policies.expiry(policy("Lifecycle_360Days", [""]), "/any", 0), 360 * day)
  assert.isUndefined(policies.expiry(policy("Lifecycle_Forever", [""]), "/any", 0))
})

it("what has expired is gone, from the disk too, and stays gone", async () => {
  const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-expiry-test-"))
  try {
    let now = 1_000_000
    const limits = { contextBytes: 100, contextFiles: 10, totalBytes: 100 }
    const open = () => ContextStore.open({ directory, isDurable: false, limits, now: () => now })
    const store = await open()
    const context = await store.getOrCreate("c")
    const put = async (path: string, expires?: number) => {
      const staged = await context.files.stage()
      await staged.file.write(Buffer.alloc(40))
      await context.files.put(path, staged, { expires })
    }
    await put("/kept")
    await put("/short", now + day)
    now += day - 1
    assert.isDefined(context.files.find("/short"))
    now += 1
    assert.isUndefined(context.files.find("/short"))
    assert.deepStrictEqual(context.files.all().map(({ path }) => path), ["/kept"])
    await store.removeExpired()
    const blobs = Fs.readdirSync(Path.join(directory, context.id, "blobs"))
    assert.lengthOf(blobs, 1)
    await put("/in its room")
    const again = await open()
    assert.deepStrictEqual(again.get(context.id).files.all().map(({ path }) => path), ["/kept", "/in its room"])
  } finally {
    Fs.rmSync(directory, { recursive: true, force: true })
  }
})
