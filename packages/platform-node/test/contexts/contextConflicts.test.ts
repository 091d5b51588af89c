/** What a session changed is stored, what others did meanwhile is not undone, and what cannot be read is not taken for deleted. */
import { assert, layer } from "@effect/vitest"

import { folder, overWire, path, promise } from "../support/mappedContexts.js"
import { best } from "../support/runtime.js"
import { type Json, type WireClient } from "../support/wireClient.js"

const mapping = (contextId: string, policy: Json = {}): Json => ({
  persistenceDataList: [{ contextId, path, policy: JSON.stringify(policy) }]
})

const archived = { uploadPolicy: { uploadMode: "Archive" } }

const started = async (wire: WireClient, contextId: string, policy: Json = {}) => {
  const sessionId = await wire.session(mapping(contextId, policy))
  await wire.settled({ sessionId })
  return sessionId
}

const text = async (wire: WireClient, contextId: string, name: string) =>
  (await wire.fetchFile(contextId, `${path}/${name}`)).toString()

const namesOf = async (wire: WireClient, contextId: string) =>
  (await wire.names(contextId, path)).map((name) => name.slice(path.length + 1))

const uploaded = async (wire: WireClient, sessionId: string, contextId: string) => {
  const [item] = await wire.sync({ sessionId, contextId, path, mode: "upload" })
  return `${item?.status} ${item?.errorMessage}`.trim()
}

layer(overWire, { excludeTestServices: true })("contexts of several sessions", (it) => {
  it.effect("an idle session leaves everything to others", () =>
    promise(async (wire) => {
      const contextId = await wire.context("idle reader")
      for (const name of ["changed", "deleted", "put", "removed"]) await wire.put(contextId, `${path}/${name}`, "old")
      const reader = await started(wire, contextId)
      const writer = await started(wire, contextId)
      await wire.shell(writer, `cd ${folder} && printf new > changed && rm deleted`)
      await wire.release(writer)
      await wire.put(contextId, `${path}/put`, "newer")
      await wire.post("/sdk/DeleteContextFile", { contextId, filePath: `${path}/removed` })
      await wire.release(reader)
      assert.deepStrictEqual(await namesOf(wire, contextId), ["changed", "put"])
      assert.strictEqual(await text(wire, contextId, "changed"), "new")
      assert.strictEqual(await text(wire, contextId, "put"), "newer")
      const last = await started(wire, contextId)
      await wire.post("/sdk/ClearContext", { id: contextId })
      await wire.release(last)
      assert.deepStrictEqual(await namesOf(wire, contextId), [])
    }))

  it.effect("a file that two changed keeps both versions, and the second hears of it", () =>
    promise(async (wire) => {
      const contextId = await wire.context("both changed")
      for (const name of ["both", "same", "gone"]) await wire.put(contextId, `${path}/${name}`, "old")
      const [one, two] = [await started(wire, contextId), await started(wire, contextId)]
      await wire.shell(one, `cd ${folder} && printf one > both && printf x > same && printf one > made && rm gone`)
      await wire.shell(
        two,
        `cd ${folder} && printf two > both && printf x > same && printf two > made && printf 2 > gone`
      )
      await wire.release(one)
      const beside = `.conflict-${two.slice(-8)}`
      const told = await uploaded(wire, two, contextId)
      assert.include(told, `Failed 2 of 4 files failed: `)
      assert.include(told, `${path}/both: it was changed in the context too`)
      assert.include(told, `${path}/made${beside}`)
      assert.sameMembers(
        await namesOf(wire, contextId),
        ["both", `both${beside}`, "gone", "made", `made${beside}`, "same"]
      )
      assert.strictEqual(await text(wire, contextId, "both"), "one")
      assert.strictEqual(await text(wire, contextId, `both${beside}`), "two")
      assert.strictEqual(await text(wire, contextId, "gone"), "2")
      assert.strictEqual(await uploaded(wire, two, contextId), "Success", "what has been told is not told again")
      await wire.shell(two, `cd ${folder} && printf twice > both`)
      assert.include(await uploaded(wire, two, contextId), "both")
      assert.strictEqual(await text(wire, contextId, `both${beside}`), "twice")
      assert.strictEqual(await text(wire, contextId, "both"), "one")
      await wire.release(two)
    }))

  it.effect("without a download, files replace what was there when the session began", () =>
    promise(async (wire) => {
      const contextId = await wire.context("no download")
      await wire.put(contextId, `${path}/out`, "old")
      await wire.put(contextId, `${path}/late`, "old")
      const sessionId = await started(wire, contextId, { downloadPolicy: { autoDownload: false } })
      await wire.put(contextId, `${path}/late`, "later")
      await wire.shell(sessionId, `mkdir -p ${folder} && cd ${folder} && printf new > out && printf mine > late`)
      assert.include(await uploaded(wire, sessionId, contextId), `Failed 1 of 2 files failed: ${path}/late`)
      assert.strictEqual(await text(wire, contextId, "out"), "new")
      assert.strictEqual(await text(wire, contextId, "late"), "later")
      await wire.release(sessionId)
    }))

  it.effect(
    "archives get the changes of each session, and keep both versions of a conflict",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("both archived")
        const first = await started(wire, contextId, archived)
        await wire.shell(first, `mkdir -p ${folder} && cd ${folder} && for f in a b both; do printf old > $f; done`)
        await wire.release(first)
        const [idle, one, two] = [
          await started(wire, contextId, archived),
          await started(wire, contextId, archived),
          await started(wire, contextId, archived)
        ]
        await wire.shell(one, `cd ${folder} && printf one > one && rm a && printf one > both`)
        await wire.shell(two, `cd ${folder} && printf two > two && printf new > b && printf two > both`)
        await wire.release(one)
        assert.include(
          await uploaded(wire, two, contextId),
          "Failed 1 of 4 files failed: both: it was changed in the archive"
        )
        assert.strictEqual(await uploaded(wire, two, contextId), "Success")
        await wire.release(two)
        await wire.release(idle)
        const last = await started(wire, contextId, archived)
        assert.strictEqual(
          await wire.shell(last, `cd ${folder} && for f in *; do printf '%s ' $f; cat $f; echo; done`),
          `b new\nboth one\nboth.conflict-${two.slice(-8)} two\none one\ntwo two\n`
        )
        await wire.release(last)
      })
  )

  // Without a user of its own a session of root can read anything.
  const whereRefused = best.level === "namespaces" || process.getuid?.() !== 0 ? it.effect : it.effect.skip

  whereRefused(
    "what cannot be read is named, and counts as deleted neither there nor in archives",
    () =>
      promise(async (wire) => {
        for (const policy of [{}, archived]) {
          const contextId = await wire.context(`unreadable ${JSON.stringify(policy)}`)
          const first = await started(wire, contextId, policy)
          await wire.shell(
            first,
            `mkdir -p ${folder}/keep && cd ${folder} && printf x > keep/x && printf y > y && printf z > z`
          )
          await wire.release(first)
          const second = await started(wire, contextId, policy)
          await wire.shell(second, `cd ${folder} && printf new > new && rm z && chmod 000 keep y && touch y`)
          const told = await uploaded(wire, second, contextId)
          assert.include(told, "Failed")
          assert.include(told, `${path}/keep: Permission denied`)
          assert.include(told, `${path}/y`)
          if (policy !== archived) assert.sameMembers(await namesOf(wire, contextId), ["keep", "new", "y", "z"])
          await wire.shell(second, `cd ${folder} && chmod 700 keep y`)
          await wire.release(second)
          const third = await started(wire, contextId, policy)
          assert.strictEqual(await wire.shell(third, `cd ${folder} && cat keep/x y new && ls`), "xynewkeep\nnew\ny\n")
          await wire.release(third)
        }
      })
  )

  whereRefused(
    "what is on a white list below a folder that cannot be read is not taken for deleted",
    () =>
      promise(async (wire) => {
        for (const mode of ["File", "Archive"]) {
          const contextId = await wire.context(`white list ${mode}`)
          const bwList = { whiteLists: [{ path: "/w/sub" }] }
          const policy = { bwList, uploadPolicy: { uploadMode: mode } }
          const first = await started(wire, contextId, policy)
          await wire.shell(first, `mkdir -p ${folder}/w/sub ${folder}/o && cd ${folder} && printf x > w/sub/x`)
          await wire.release(first)
          const second = await started(wire, contextId, policy)
          await wire.shell(second, `mkdir -p ${folder}/o && cd ${folder} && chmod 000 w o`)
          const told = await uploaded(wire, second, contextId)
          assert.include(told, "Failed 1 of 1 files failed: ")
          assert.include(told, `${path}/w: Permission denied`)
          await wire.shell(second, `cd ${folder} && chmod 700 w o`)
          const third = await started(wire, contextId, policy)
          assert.strictEqual(await wire.shell(third, `cat ${folder}/w/sub/x`), "x")
          await wire.release(third)
          await wire.release(second)
        }
      })
  )

  it.effect(
    "names that are no UTF-8, and folders that links have replaced, lose nothing in silence",
    () =>
      promise(async (wire) => {
        const contextId = await wire.context("names of bytes")
        await wire.put(contextId, `${path}/sub/x`, "x")
        const sessionId = await started(wire, contextId)
        const bad = "$(printf 'bad\\377name')"
        await wire.shell(
          sessionId,
          `cd ${folder} && printf x > "${bad}" && mkdir "dir${bad}" && printf y > "dir${bad}/y" && printf good > good && ` +
            "mv sub ../moved && ln -s ../moved sub"
        )
        const told = await uploaded(wire, sessionId, contextId)
        assert.include(told, `Failed 2 of 3 files failed`)
        assert.include(told, `${path}/bad\ufffdname: Its name is not valid UTF-8`)
        assert.include(told, `${path}/dirbad\ufffdname: Its name is not valid UTF-8`)
        assert.deepStrictEqual(await namesOf(wire, contextId), ["good", "sub"])
        await wire.shell(sessionId, `cd ${folder} && rm -r "${bad}" "dir${bad}"`)
        await wire.release(sessionId)
        assert.deepStrictEqual(await namesOf(wire, contextId), ["good", "sub"])
      })
  )

  it.effect(
    "nothing is deleted by an upload that cannot store everything: it may be there under a new name",
    () =>
      promise(async (wire) => {
        for (const policy of [{}, archived]) {
          const contextId = await wire.context(`renamed ${JSON.stringify(policy)}`)
          const first = await started(wire, contextId, policy)
          await wire.shell(first, `mkdir -p ${folder}/z && cd ${folder} && for f in z/1 q kept; do printf x > $f; done`)
          await wire.release(first)
          const second = await started(wire, contextId, policy)
          const [dir, file] = ["$(printf 'y\\377')", "$(printf 'q\\377')"]
          await wire.shell(second, `cd ${folder} && mv z "${dir}" && mv q "${file}" && printf new > new`)
          const told = await uploaded(wire, second, contextId)
          assert.include(
            told,
            "Failed 2 of 4 files failed, so that nothing was deleted (2 to delete once all can be stored): "
          )
          const third = await started(wire, contextId, policy)
          assert.strictEqual(await wire.shell(third, `cd ${folder} && cat z/1 q kept new`), "xxxnew")
          await wire.release(third)
          await wire.shell(second, `cd ${folder} && mv "${dir}" y && mv "${file}" q2`)
          assert.strictEqual(await uploaded(wire, second, contextId), "Success")
          await wire.release(second)
          const fourth = await started(wire, contextId, policy)
          assert.strictEqual(await wire.shell(fourth, `cd ${folder} && ls && cat y/1 q2`), "kept\nnew\nq2\ny\nxx")
          await wire.release(fourth)
        }
      })
  )

  it.effect("a file that is rewritten in place is stored in one state or named", () =>
    promise(async (wire) => {
      const contextId = await wire.context("generations")
      const sessionId = await started(wire, contextId)
      await wire.shell(
        sessionId,
        `mkdir -p ${folder} && cd ${folder} && head -c 9000000 /dev/zero | tr '\\0' a > a && ` +
          "head -c 9000000 /dev/zero | tr '\\0' b > b && cp a big && " +
          "(until test -e ../stop; do cat b 1<> big >&1; cat a 1<> big >&1; printf 'now%s' $RANDOM > swap.new; " +
          "mv swap.new swap; done) >/dev/null 2>&1 & sleep 0.3"
      )
      for (let n = 0; n < 4; n++) {
        await uploaded(wire, sessionId, contextId)
        if (!(await namesOf(wire, contextId)).includes("big")) continue
        const stored = await text(wire, contextId, "big")
        // On a busy machine a generation may stand half written over the one before for as long as the file is read.
        assert.strictEqual(stored.length, 9_000_000)
        assert.isTrue(/^a*b*$|^b*a*$/.test(stored), "a mixture of generations")
      }
      assert.match(await text(wire, contextId, "swap"), /^now\d*$/, "what is replaced as a whole is stored")
      await wire.shell(sessionId, `touch ${folder}/../stop && sleep 0.5`)
      await wire.release(sessionId)
    }))
})
