/** Copies between sessions and contexts, by their policies and against what sessions hold. */
import { assert, layer } from "@effect/vitest"

import * as Crypto from "node:crypto"
import { folder, overWire, path as inTmp, promise } from "../support/mappedContexts.js"
import { best } from "../support/runtime.js"
import { type Item, type Json } from "../support/wireClient.js"

const mapping = (contextId: string, policy: Json = {}, path = inTmp): Json => ({
  persistenceDataList: [{ contextId, path, policy: JSON.stringify(policy) }]
})

const succeeded = (items: ReadonlyArray<Item>) => {
  for (const item of items) assert.include(item, { status: "Success", errorMessage: "" })
}

layer(overWire, { excludeTestServices: true })("sync", (it) => {
  it.effect("a session finds what another left", () =>
    promise(async (wire) => {
      const contextId = await wire.context("left")
      const first = await wire.session(mapping(contextId))
      await wire.settled({ sessionId: first })
      const random = "head -c 3000001 /dev/urandom"
      const sum = await wire.shell(
        first,
        `mkdir -p ${folder}/sub && cd ${folder} && printf hello > a && printf '#!/bin/sh\\necho ran' > run && ` +
          `chmod +x run && ${random} > sub/big && : > empty && cat a sub/big | sha256sum`
      )
      await wire.release(first)
      assert.deepStrictEqual(
        await wire.names(contextId, inTmp),
        ["a", "empty", "run", "sub"].map((n) => `${inTmp}/${n}`)
      )
      const second = await wire.session(mapping(contextId))
      const items = await wire.settled({ sessionId: second })
      assert.lengthOf(items, 1)
      assert.include(items[0], { contextId, path: inTmp, taskType: "download", status: "Success", errorMessage: "" })
      assert.isTrue(Number.isInteger(items[0]?.startTime) && Number.isInteger(items[0]?.finishTime))
      const found = await wire.shell(second, `cd ${folder} && cat a sub/big | sha256sum && ./run && wc -c < empty`)
      assert.deepStrictEqual(found.trim().split(/\s*\n\s*/), [sum.trim(), "ran", "0"])
      await wire.release(second)
    }))

  it.effect("the state of a copy has the path as it was sent", () =>
    promise(async (wire) => {
      const contextId = await wire.context("spelled")
      const paths = (items: ReadonlyArray<Item>) => items.map(({ path }) => path)
      for (const sent of [inTmp, `${inTmp}/`, `${inTmp}//`]) {
        const sessionId = await wire.session(mapping(contextId, {}, sent))
        assert.deepStrictEqual(paths(await wire.settled({ sessionId })), [sent])
        assert.deepStrictEqual(paths(await wire.settled({ sessionId, contextId, path: inTmp })), [sent])
        await wire.release(sessionId)
      }
    }))

  it.effect(
    "deletions are mirrored, unless the policy or another writer says otherwise",
    () =>
      promise(async (wire) => {
        const run = async (name: string, syncLocalFile: boolean) => {
          const contextId = await wire.context(name)
          for (const file of ["kept", "deleted", "replaced"]) await wire.put(contextId, `${inTmp}/${file}`, file)
          const sessionId = await wire.session(mapping(contextId, { deletePolicy: { syncLocalFile } }))
          await wire.settled({ sessionId })
          await wire.put(contextId, `${inTmp}/later`, "from elsewhere")
          await wire.put(contextId, `${inTmp}/replaced`, "another version")
          await wire.shell(sessionId, `cd ${folder} && rm deleted replaced && printf new > new`)
          await wire.release(sessionId)
          return (await wire.names(contextId, inTmp)).map((path) => path.slice(inTmp.length + 1))
        }
        assert.deepStrictEqual(await run("mirrored", true), ["kept", "later", "new", "replaced"])
        assert.deepStrictEqual(await run("not mirrored", false), ["deleted", "kept", "later", "new", "replaced"])
      })
  )

  it.effect("auto upload, auto download and white lists", () =>
    promise(async (wire) => {
      const contextId = await wire.context("policies")
      await wire.put(contextId, `${inTmp}/src/old`, "old")
      await wire.put(contextId, `${inTmp}/other/old`, "old")
      const silent = { uploadPolicy: { autoUpload: false }, downloadPolicy: { autoDownload: false } }
      const first = await wire.session(mapping(contextId, silent))
      assert.deepStrictEqual(await wire.items({ sessionId: first }), [])
      await wire.shell(first, `mkdir -p ${folder} && printf x > ${folder}/never`)
      await wire.release(first)
      assert.deepStrictEqual(await wire.names(contextId, inTmp), [`${inTmp}/other`, `${inTmp}/src`])

      const bwList = { whiteLists: [{ path: "/src", excludePaths: ["/node_modules"] }, { path: "one file" }] }
      const second = await wire.session(mapping(contextId, { bwList }))
      succeeded(await wire.settled({ sessionId: second }))
      assert.strictEqual(await wire.shell(second, `cd ${folder} && find . -type f`), "./src/old\n")
      await wire.shell(
        second,
        `cd ${folder} && mkdir -p src/node_modules src/in other && touch src/node_modules/x src/in/y other/z 'one file' src2`
      )
      await wire.release(second)
      assert.deepStrictEqual(
        await wire.names(contextId, inTmp),
        ["one file", "other", "src"].map((n) => `${inTmp}/${n}`)
      )
      assert.deepStrictEqual(await wire.names(contextId, `${inTmp}/src`), [`${inTmp}/src/in`, `${inTmp}/src/old`])
    }))

  it.effect("a mapped path brings files to another place", () =>
    promise(async (wire) => {
      const contextId = await wire.context("elsewhere")
      await wire.put(contextId, "/C/Users/me/f", "there")
      const sessionId = await wire.session(mapping(contextId, { mappingPolicy: { path: "/C/Users/me" } }))
      succeeded(await wire.settled({ sessionId }))
      assert.strictEqual(await wire.shell(sessionId, `cat ${folder}/f && printf back > ${folder}/g`), "there")
      succeeded(await wire.sync({ sessionId, contextId, path: inTmp, mode: "upload" }))
      assert.strictEqual((await wire.fetchFile(contextId, "/C/Users/me/g")).toString(), "back")
      await wire.release(sessionId)
    }))

  it.effect("a sync of all, of one, of a part, and those that make no sense", () =>
    promise(async (wire) => {
      const [one, two] = [await wire.context("first of two"), await wire.context("second of two")]
      const list = [one, two].map((contextId, n) => ({ contextId, path: `${inTmp}/${n}`, policy: "{}" }))
      const sessionId = await wire.session({ persistenceDataList: list })
      assert.lengthOf(await wire.settled({ sessionId }), 2)
      await wire.shell(sessionId, `cd ${folder} && mkdir -p 0/deep && touch 0/a 0/deep/b 1/c`)
      const all = await wire.sync({ sessionId })
      assert.lengthOf(all, 4, "downloads and uploads")
      succeeded(all)
      assert.deepStrictEqual(await wire.names(two, `${inTmp}/1`), [`${inTmp}/1/c`])
      await wire.put(one, `${inTmp}/0/deep/new`, "new")
      const part = await wire.sync({ sessionId, contextId: one, path: `${inTmp}/0/deep/`, mode: "download" })
      assert.lengthOf(part, 1)
      succeeded(part)
      assert.strictEqual(await wire.shell(sessionId, `cat ${folder}/0/deep/new`), "new")
      assert.lengthOf(await wire.items({ sessionId, contextId: one, taskType: "upload" }), 1)
      assert.lengthOf(await wire.items({ sessionId, contextId: "SdkCtx-x" }), 0)
      for (
        const [query, status] of [
          [{ contextId: one }, 400],
          [{ path: inTmp }, 400],
          [{ contextId: one, path: "/a/../b" }, 400],
          [{ contextId: "SdkCtx-x", path: inTmp }, 404],
          [{ mode: "sideways" }, 400]
        ] as const
      ) {
        const answer = await wire.post("/sdk/SyncContext", { sessionId, ...query })
        assert.strictEqual(answer.status, status, JSON.stringify(query))
      }
      assert.strictEqual((await wire.post("/sdk/SyncContext", { sessionId: "s-no" })).status, 404)
      await wire.release(sessionId)
    }))

  it.effect(
    "mappings that cannot be are refused before there is a session, those that fail are reported",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("bad mappings")
        for (
          const entry of [
            { contextId, path: "relative", policy: "{}" },
            { contextId, path: "/a/../../b", policy: "{}" },
            { contextId: " ", path: "/tmp/x" },
            { contextId, path: "/tmp/x", policy: "{" },
            { contextId, path: "/tmp/x", policy: JSON.stringify({ uploadPolicy: { uploadMode: "Zip" } }) },
            { contextId, path: "/tmp/x", policy: JSON.stringify({ recyclePolicy: { lifecycle: "Lifecycle_2Days" } }) },
            { contextId, path: "/tmp/x", policy: JSON.stringify({ recyclePolicy: { paths: ["a*"] } }) },
            { contextId, path: "/tmp/x", policy: JSON.stringify({ bwList: { whiteLists: [{ path: "../x" }] } }) }
          ]
        ) {
          const answer = await wire.post("/mcp/createSession", { imageId: "i" }, { persistenceDataList: [entry] })
          assert.strictEqual(answer.status, 400, JSON.stringify(entry))
          assert.include(String(answer.body["message"]), "persistenceDataList")
        }
        assert.strictEqual((await wire.get("/sdk/ListSession", {})).body["count"], 0)
        const missing = await wire.session(mapping("SdkCtx-missing"))
        const [item] = await wire.settled({ sessionId: missing })
        assert.include(item, { status: "Failed", contextId: "SdkCtx-missing" })
        assert.include(item?.errorMessage, "not found")
        await wire.release(missing)
        const unwritable = await wire.session(mapping(contextId, {}, "/proc/x"))
        const [failed] = await wire.settled({ sessionId: unwritable })
        assert.strictEqual(failed?.status, "Failed")
        assert.include(failed?.errorMessage, "/proc/x")
        await wire.release(unwritable)
      })
  )

  it.effect(
    "mappings that overlap are refused before there is a session",
    () =>
      promise(async (wire) => {
        const [one, two] = [await wire.context("overlap one"), await wire.context("overlap two")]
        const to = (path: string) => JSON.stringify({ mappingPolicy: { path } })
        const createWith = (list: ReadonlyArray<readonly [contextId: string, path: string, policy?: string]>) =>
          wire.post("/mcp/createSession", { imageId: "i" }, {
            persistenceDataList: list.map(([contextId, path, policy = "{}"]) => ({ contextId, path, policy }))
          })
        const before = (await wire.get("/sdk/ListSession", {})).body["count"]
        const directory = (at: number, other: number, path: string) =>
          `persistenceDataList.${at}.path must be a directory that does not overlap with that of persistenceDataList.${other}, ` +
          `but was "${path}"`
        const place = (field: string, path: string) =>
          `persistenceDataList.1.${field} must be a place in the context that does not overlap with that of ` +
          `persistenceDataList.0, but was "${path}"`
        for (
          const [list, message] of [
            [[[one, "/tmp/o"], [two, "/tmp/o/sub"]], directory(1, 0, "/tmp/o/sub")],
            [[[one, "/tmp/o/sub"], [two, "/tmp/o/"]], directory(1, 0, "/tmp/o/")],
            [[[two, "/tmp/p"], [one, "/tmp/o"], [two, "//tmp/./o"]], directory(2, 1, "//tmp/./o")],
            [[[one, "/"], [two, "/tmp/o"]], directory(1, 0, "/tmp/o")],
            [[[one, "/tmp/o"], [one, "/tmp/o", to("/x")]], directory(1, 0, "/tmp/o")],
            [
              [[one, "/tmp/o", to("/s")], [one, "/tmp/p", to("/s/")]],
              place("policy.mappingPolicy.path", "/s/")
            ],
            [[[one, "/tmp/o", to("/tmp/p/q")], [one, "/tmp/p"]], place("path", "/tmp/p")]
          ] as const
        ) {
          const { body, status } = await createWith(list)
          assert.strictEqual(status, 400, message)
          assert.include(body, { success: false, code: "InvalidParameter", message })
        }
        assert.strictEqual((await wire.get("/sdk/ListSession", {})).body["count"], before)
        for (
          const list of [
            [[one, "/tmp/o"], [two, "/tmp/o2"]],
            [[one, "/tmp/o", to("/s")], [two, "/tmp/p", to("/s")]],
            [[one, "/tmp/o", to("/s")], [one, "/tmp/p", to("/s2")]],
            [[one, "/tmp/o"], [one, "/tmp/o/"]]
          ] as const
        ) {
          const created = await createWith(list)
          assert.strictEqual(created.status, 200, JSON.stringify(list))
          const { sessionId } = created.data<{ sessionId: string }>()
          succeeded(await wire.settled({ sessionId }))
          await wire.release(sessionId)
        }
      })
  )

  it.effect("links, FIFOs, sockets and unreadable files are left where they are", () =>
    promise(async (wire) => {
      const contextId = await wire.context("odd files")
      const sessionId = await wire.session(mapping(contextId))
      await wire.settled({ sessionId })
      await wire.shell(
        sessionId,
        `cd ${folder} && printf x > plain && ln -s /etc/passwd host && ln -s / root && ln -s nowhere dangling && ` +
          "ln -s . loop && mkfifo fifo && mkdir real && printf y > real/y && ln -s real alias && " +
          "printf n > 'new\nline' && printf s > ' space' && printf d > -- && printf u > 'ü🎈'"
      )
      succeeded(await wire.sync({ sessionId, contextId, path: inTmp, mode: "upload" }))
      assert.sameMembers(
        (await wire.names(contextId, inTmp)).map((path) => path.slice(inTmp.length + 1)),
        [" space", "--", "new\nline", "plain", "real", "ü🎈"]
      )
      await wire.put(contextId, `${inTmp}/alias/z`, "z")
      await wire.put(contextId, `${inTmp}/host`, "not followed")
      succeeded(await wire.sync({ sessionId, contextId, path: inTmp, mode: "download" }))
      const seen = await wire.shell(sessionId, `cd ${folder} && cat host && test ! -L host && cat real/z`)
      assert.strictEqual(seen, "not followedz")
      await wire.release(sessionId)
    }))

  // Without isolation a session may write what its user may.
  const whereConfined = best.level === "none" ? it.effect.skip : it.effect

  whereConfined(
    "a directory of the machine is no place for a mapping, and is not saved",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("of the machine")
        for (const path of ["/usr/bin", "/usr/bin/none"]) {
          const sessionId = await wire.session(mapping(contextId, {}, path))
          const [item] = await wire.settled({ sessionId })
          assert.strictEqual(item?.status, "Failed", path)
          assert.match(item?.errorMessage ?? "", /^EACCES: /)
          const { body } = await wire.post("/mcp/releaseSession", {}, { sessionId })
          assert.include(body, { success: false, code: "SessionContexts.NotSaved" })
          assert.deepStrictEqual(await wire.names(contextId, path), [])
        }
      })
  )

  it.effect("many files, and files that change while they are read", () =>
    promise(async (wire) => {
      const contextId = await wire.context("many")
      const sessionId = await wire.session(mapping(contextId))
      await wire.settled({ sessionId })
      await wire.shell(
        sessionId,
        `cd ${folder} && for d in 1 2 3 4 5 6 7 8 9 10; do mkdir d$d; for n in $(seq 150); do echo $d-$n > d$d/$n; done; done`
      )
      succeeded(await wire.sync({ sessionId, contextId, path: inTmp, mode: "upload" }))
      assert.strictEqual(
        (await wire.post("/sdk/DescribeContextFiles", { contextId, parentFolderPath: `${inTmp}/d7` })).body["count"],
        150
      )
      await wire.shell(
        sessionId,
        `cd ${folder} && (until test -e ../stop; do date +%N >> log; printf %s $RANDOM > swap; done) & sleep 0.2`
      )
      for (let n = 0; n < 3; n++) {
        const [item] = await wire.sync({ sessionId, contextId, path: inTmp, mode: "upload" })
        if (item?.status === "Failed") assert.match(item.errorMessage, /swap|log/)
      }
      await wire.shell(sessionId, `touch ${folder}/../stop && sleep 0.2`)
      await wire.release(sessionId)
      const again = await wire.session(mapping(contextId))
      succeeded(await wire.settled({ sessionId: again }))
      assert.strictEqual((await wire.shell(again, `cd ${folder} && cat d*/* | wc -l`)).trim(), "1500")
      await wire.release(again)
    }))

  // Without isolation nothing limits the size of a session's files.
  const whereLimited = best.level === "none" ? it.effect.skip : it.effect

  whereLimited("a full sandbox is a failure that says so, and leaves no half file", () =>
    promise(async (wire) => {
      const contextId = await wire.context("too much")
      for (const name of ["a", "b", "c"]) {
        await wire.put(contextId, `${inTmp}/${name}`, new Uint8Array(Crypto.randomBytes(30_000_000)))
      }
      const sessionId = await wire.session(mapping(contextId))
      const [item] = await wire.settled({ sessionId })
      assert.strictEqual(item?.status, "Failed")
      assert.match(item?.errorMessage ?? "", /No space left|too large/i)
      const left = (await wire.shell(sessionId, `cd ${folder} && find . -type f -printf '%s %f\\n'`)).trim().split("\n")
      for (const line of left) assert.match(line, /^30000000 [abc]$/)
      await wire.release(sessionId)
      assert.deepStrictEqual(await wire.names(contextId, inTmp), ["a", "b", "c"].map((n) => `${inTmp}/${n}`))
    }))
})
