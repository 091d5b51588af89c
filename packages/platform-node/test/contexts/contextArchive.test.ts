/** Mappings that are kept as one archive. */
import { assert, layer } from "@effect/vitest"

import { execFileSync, spawnSync } from "node:child_process"
import { gzipSync } from "node:zlib"
import { attributesOf, end, entry, padding, readArchive } from "../../src/internal/contexts/sync/tar.js"
import { folder, overWire, path, promise } from "../support/mappedContexts.js"

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

const linkEntry = (name: string, target: string) => {
  const link = entry(name, 0, 0o644, 0)
  link.write("1", 156)
  link.write(target, 157)
  const sum = link.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  link.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return link
}

layer(overWire, { excludeTestServices: true })("archives", (it) => {
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
      })
  )

  it.effect("are handed over as they are when that is asked for", () =>
    promise(async (wire) => {
      const contextId = await wire.context("as it is")
      await wire.put(contextId, `${path}.tar`, "no archive at all")
      const sessionId = await wire.session(mapping(contextId, false))
      await wire.settled({ sessionId })
      assert.strictEqual(await wire.shell(sessionId, `cat ${folder}.tar`), "no archive at all")
      await wire.release(sessionId)
    }))

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
        assert.strictEqual(item?.status, "Failed")
        assert.include(item?.errorMessage, `${path}.tar: the archive cannot be read: it is cut off in endless`)
        assert.strictEqual(
          await wire.shell(
            sessionId,
            `cd ${folder} && find . -type f | sort && test ! -e ../evil && cat good absolute`
          ),
          "./absolute\n./good\ngoodbelow"
        )
        await wire.release(sessionId)
      })
  )

  const whereTar = hasTar ? it.effect : it.effect.skip

  const tarOf = (options: string) =>
    execFileSync("sh", [
      "-c",
      "d=$(mktemp -d) && cd $d && mkdir -p sub/void && echo a > a && ln a hard && ln -s a soft && mkfifo p && " +
      "truncate -s 3M sparse && echo e >> sparse && L=$(printf 'k%.0s' $(seq 180)) && mkdir $L && echo k > $L/$L && " +
      `tar ${options} . && rm -r $d`
    ], { maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "ignore"] })

  whereTar(
    "of other programs are unpacked in all their forms, and keep what a session did not touch",
    () =>
      promise(async (wire) => {
        for (
          const options of [
            "--format=gnu -cf -",
            "--format=gnu -cSf -",
            "--format=pax -cf -",
            ...["0.0", "0.1", "1.0"].map((version) => `--format=pax --sparse-version=${version} -cSf -`),
            "--format=ustar --exclude='kkk*' -cf -"
          ]
        ) {
          const contextId = await wire.context(`tar ${options}`)
          await wire.put(contextId, `${path}.tar`, new Uint8Array(tarOf(options)))
          const sessionId = await wire.session(mapping(contextId))
          const [item] = await wire.settled({ sessionId })
          assert.include(item, { status: "Success", errorMessage: "" }, options)
          assert.strictEqual(
            await wire.shell(
              sessionId,
              `cd ${folder} && cat a hard && stat -c %s sparse && tail -n 1 sparse | tail -c 2`
            ),
            "a\na\n3145730\ne\n",
            options
          )
          if (!options.includes("ustar")) await wire.shell(sessionId, `test "$(cat ${folder}/k*/k*)" = k`)
          const idle = await wire.session(mapping(contextId))
          await wire.settled({ sessionId: idle })
          const before = await wire.fetchFile(contextId, `${path}.tar`)
          await wire.release(idle)
          assert.isTrue(before.equals(await wire.fetchFile(contextId, `${path}.tar`)), options)
          await wire.shell(sessionId, `cd ${folder} && rm a && echo new > new`)
          await wire.release(sessionId)
          const listed = execFileSync("tar", ["-tvf", "-"], { input: await wire.fetchFile(contextId, `${path}.tar`) })
          const lines = listed.toString().trim().split("\n")
          const end = (name: string) => lines.filter((line) => line.endsWith(name)).map((line) => line[0])
          assert.deepStrictEqual(["sub/void/", "soft -> a", "hard", " new", "/a"].map(end), [
            ["d"],
            ["l"],
            ["-"],
            ["-"],
            []
          ], options)
        }
      })
  )

  it.effect("keep hard links to hard links when what they lead to is deleted", () =>
    promise(async (wire) => {
      const contextId = await wire.context("links to links")
      const archive = Buffer.concat([
        fileEntry("a", "content"),
        linkEntry("h", "a"),
        linkEntry("h2", "h"),
        linkEntry("h3", "h2"),
        linkEntry("twice", "a"),
        fileEntry("twice", "newer"),
        end()
      ])
      await wire.put(contextId, `${path}.tar`, new Uint8Array(archive))
      const sessionId = await wire.session(mapping(contextId))
      await wire.settled({ sessionId })
      await wire.shell(sessionId, `cd ${folder} && rm a`)
      await wire.release(sessionId)
      const stored = await wire.fetchFile(contextId, `${path}.tar`)
      if (hasTar) {
        const unpack = "d=$(mktemp -d) && tar -xf - -C $d && (cd $d && cat h h2 h3 twice); rm -r $d"
        const { stderr, stdout } = spawnSync("sh", ["-c", unpack], { input: stored, encoding: "utf8" })
        assert.deepStrictEqual({ stderr, stdout }, { stderr: "", stdout: "contentcontentcontentnewer" })
      }
      const next = await wire.session(mapping(contextId))
      const [item] = await wire.settled({ sessionId: next })
      assert.include(item, { status: "Success", errorMessage: "" })
      assert.strictEqual(
        await wire.shell(next, `cd ${folder} && ls && cat h h2 h3 twice`),
        "h\nh2\nh3\ntwice\ncontentcontentcontentnewer"
      )
      await wire.release(next)
    }))

  it.effect("that cannot be read are failures by name, and are never replaced", () =>
    promise(async (wire) => {
      const good = Buffer.concat([fileEntry("first", "first"), fileEntry("second", "second".repeat(200)), end()])
      const damaged = Buffer.from(good)
      damaged[1024 + 20] = 0x39
      for (
        const [archive, reason, isPart] of [
          [gzipSync(good), "it is compressed (gzip)", false],
          [Buffer.alloc(0), "it is no tar archive", false],
          [Buffer.from("no archive ".repeat(100)), "it is no tar archive", false],
          [good.subarray(0, 1700), "it is cut off in second", true],
          [good.subarray(0, 1100), "it is cut off", true],
          [damaged, "a header in it is damaged", true]
        ] as const
      ) {
        const contextId = await wire.context(`unreadable ${reason} ${archive.length}`)
        await wire.put(contextId, `${path}.tar`, new Uint8Array(archive))
        const [idle, busy] = [await wire.session(mapping(contextId)), await wire.session(mapping(contextId))]
        for (const sessionId of [idle, busy]) {
          const [item] = await wire.settled({ sessionId })
          assert.strictEqual(item?.status, "Failed")
          assert.include(item?.errorMessage, `${path}.tar: the archive cannot be read: ${reason}`)
        }
        await wire.shell(
          busy,
          `mkdir -p ${folder} && cd ${folder} && test ${isPart ? "" : "!"} -e first && printf m > mine`
        )
        await wire.release(idle)
        const [item] = await wire.sync({ sessionId: busy, contextId, path, mode: "upload" })
        assert.strictEqual(item?.status, "Failed")
        const beside = `${path}.tar.conflict-${busy.slice(-8)}`
        assert.include(item?.errorMessage, beside)
        await wire.post("/mcp/releaseSession", {}, { sessionId: busy })
        assert.isTrue(archive.equals(await wire.fetchFile(contextId, `${path}.tar`)), "it is as it was")
        const kept = await wire.fetchFile(contextId, beside)
        const { members, problem } = await readArchive(
          async (at, length) => kept.subarray(at, at + length),
          kept.length
        )
        assert.isUndefined(problem)
        assert.deepStrictEqual(members.map((member) => member.path), ["mine"])
      }
    }))

  it.effect("members that cannot be extracted are named, and the others are", () =>
    promise(async (wire) => {
      const contextId = await wire.context("odd members")
      const archive = Buffer.concat([linkEntry("dangling", "nowhere"), fileEntry("good", "good"), end()])
      await wire.put(contextId, `${path}.tar`, new Uint8Array(archive))
      const sessionId = await wire.session(mapping(contextId))
      const [item] = await wire.settled({ sessionId })
      assert.include(item?.errorMessage, "dangling: it is a hard link to nowhere, which is no file in the archive")
      assert.strictEqual(await wire.shell(sessionId, `cat ${folder}/good`), "good")
      await wire.release(sessionId)
    }))

  it("attributes hold any text", () => {
    assert.deepStrictEqual(
      [...attributesOf(Buffer.from("20 mtime=1234567890\n14 path=a=b\nc\n"))],
      [["mtime", ["1234567890"]], ["path", ["a=b\nc"]]]
    )
    for (const text of ["no attributes", "99 path=a\n", "0 path=a\n"]) {
      assert.throws(() => attributesOf(Buffer.from(text)), "damaged")
    }
  })
})
