/** Mappings that are kept as one archive. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { end, entry, padding, pathAttribute, readHeader } from "../../src/internal/contexts/sync/tar.js"
import { best } from "../support/runtime.js"
import { startWire, type WireClient } from "../support/wireClient.js"

const Wire = Context.GenericTag<WireClient>("Wire")

const slow = 60_000

const promise = <A>(work: (wire: WireClient) => Promise<A>) =>
  Effect.flatMap(Wire, (wire) => Effect.promise(() => work(wire)))

const path = "/tmp/mapped"

const folder = best.level !== "namespaces" ? "\"$TMPDIR\"/mapped" : path

const mapping = (contextId: string, extract = true) => ({
  persistenceDataList: [{
    contextId,
    path,
    policy: JSON.stringify({ uploadPolicy: { uploadMode: "Archive" }, extractPolicy: { extract } })
  }]
})

const hasTar = spawnSync("tar", ["--version"]).status === 0

const fileEntry = (name: string, content: string) =>
  Buffer.concat([entry(name, content.length, 0o644, 0), Buffer.from(content), padding(content.length)])

layer(Layer.scoped(Wire, startWire()), { excludeTestServices: true })("archives", (it) => {
  it.effect(
    "hold a directory as one file that other programs read, and are unpacked again",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("archived")
        const first = await wire.session(mapping(contextId))
        await wire.settled({ sessionId: first })
        const long = "long".repeat(40)
        const sum = await wire.shell(
          first,
          `cd ${folder} && mkdir -p sub/${long} && printf hi > sub/${long}/f && head -c 5000001 /dev/urandom > big && ` +
            "printf '#!/bin/sh\\necho ran' > run && chmod +x run && : > empty && ln -s /etc/passwd link && sha256sum < big"
        )
        await wire.release(first)
        assert.deepStrictEqual(await wire.names(contextId, "/tmp"), [`${path}.tar`])
        const archive = await wire.fetchFile(contextId, `${path}.tar`)
        if (hasTar) {
          const names = execFileSync("tar", ["-tf", "-"], { input: archive }).toString().trim().split("\n")
          assert.sameMembers(names, ["big", "empty", "run", `sub/${long}/f`])
        }
        const second = await wire.session(mapping(contextId))
        for (const { errorMessage } of await wire.settled({ sessionId: second })) assert.strictEqual(errorMessage, "")
        assert.strictEqual(
          await wire.shell(second, `cd ${folder} && sha256sum < big && ./run && cat sub/*/f empty && rm run`),
          `${sum}ran\nhi`
        )
        await wire.release(second)
        assert.notInclude((await wire.fetchFile(contextId, `${path}.tar`)).toString("latin1"), "echo ran")
      }),
    slow
  )

  it.effect("are handed over as they are when that is asked for", () =>
    promise(async (wire) => {
      const contextId = await wire.context("as it is")
      await wire.put(contextId, `${path}.tar`, "no archive at all")
      const sessionId = await wire.session(mapping(contextId, false))
      await wire.settled({ sessionId })
      assert.strictEqual(await wire.shell(sessionId, `cat ${folder}.tar`), "no archive at all")
      await wire.release(sessionId)
    }), slow)

  it.effect(
    "of others cannot leave their directory, nor pretend to be longer than they are",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("hostile archive")
        const archive = Buffer.concat([
          fileEntry("./good", "good"),
          fileEntry("../evil", "evil"),
          fileEntry("a/../../evil", "evil"),
          fileEntry("/absolute", "below"),
          fileEntry(`${"x/".repeat(80)}..`, "evil"),
          entry("endless", 8 ** 10, 0o644, 0),
          end()
        ])
        await wire.put(contextId, `${path}.tar`, archive)
        const sessionId = await wire.session(mapping(contextId))
        const [item] = await wire.settled({ sessionId })
        assert.include(item, { status: "Success", errorMessage: "" })
        assert.strictEqual(
          await wire.shell(
            sessionId,
            `cd ${folder} && find . -type f | sort && test ! -e ../evil && cat good absolute`
          ),
          "./absolute\n./good\ngoodbelow"
        )
        await wire.release(sessionId)
      }),
    slow
  )

  it("headers that are none are not read, and attributes name a path", () => {
    const header = entry("name", 5, 0o600, 1)
    assert.deepStrictEqual(readHeader(header), { name: "name", size: 5, mode: 0o600, type: "file" })
    for (const at of [0, 124, 156]) {
      const broken = Buffer.from(header)
      broken[at] = 0x39
      assert.isUndefined(readHeader(broken))
    }
    assert.isUndefined(readHeader(Buffer.alloc(512)))
    assert.isUndefined(readHeader(header.subarray(0, 300)))
    assert.strictEqual(pathAttribute(Buffer.from("20 mtime=1234567890\n12 path=a=b\n")), "a=b")
    assert.isUndefined(pathAttribute(Buffer.from("no attributes")))
  })
})
