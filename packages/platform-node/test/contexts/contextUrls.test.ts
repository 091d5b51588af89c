/** Presigned URLs: the bytes of context files, and who may not have them. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as signedUrls from "../../src/internal/contexts/signedUrls.js"
import { until } from "../support/processes/processes.js"
import { startWire, type WireClient } from "../support/wireClient.js"

interface World extends WireClient {
  readonly directory: string
}

const World = Context.GenericTag<World>("World")

const start = Effect.gen(function*() {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-urls-test-"))),
    (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
  )
  return { ...yield* startWire({ contextsDirectory: directory }), directory }
})

const promise = <A>(work: (world: World) => Promise<A>) =>
  Effect.flatMap(World, (world) => Effect.promise(() => work(world)))

const urlOf = async ({ post }: WireClient, action: "Upload" | "Download", contextId: string, filePath: string) => {
  const answer = await post(`/sdk/GetContextFile${action}Url`, { contextId, filePath })
  assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
  return answer.data<{ url: string; expireTime: number }>()
}

/** A request as it is, to the letter. */
const raw = (endpoint: string, method: string, path: string, options: Http.RequestOptions = {}, body?: Buffer) =>
  new Promise<{ readonly status: number; readonly body: Buffer; readonly headers: Http.IncomingHttpHeaders }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(endpoint)
      const request = Http.request({ hostname, port, method, path, ...options }, (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", reject)
        response.on(
          "end",
          () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
        )
      })
      request.on("error", reject)
      request.end(body)
    }
  )

const pathOf = (url: string): string => url.slice(url.indexOf("/contexts/"))

const blobs = ({ directory }: World, id: string) => Fs.readdirSync(Path.join(directory, id, "blobs"))

layer(Layer.scoped(World, start), { excludeTestServices: true })("presigned URLs", (it) => {
  it.effect("take any bytes in any form and give them back, whole and in ranges", () =>
    promise(async (world) => {
      const id = await world.context("bytes")
      for (const size of [0, 1, 65_536, 1_048_577, 5_000_000]) {
        const content = Crypto.randomBytes(size)
        const { expireTime, url } = await urlOf(world, "Upload", id, "/dir/file")
        assert.isTrue(Number.isInteger(expireTime) && expireTime * 1000 > Date.now() + 60_000)
        for (
          const headers of [
            { "content-length": size },
            { "transfer-encoding": "chunked" },
            { "content-length": size, "content-type": "text/plain" },
            { "content-length": size, expect: "100-continue" }
          ]
        ) {
          const put = await raw(world.endpoint, "PUT", pathOf(url), { headers }, content)
          assert.strictEqual(put.status, 200, JSON.stringify(headers))
          assert.match(put.headers.etag ?? "", /^"\w+"$/)
        }
        const download = await urlOf(world, "Download", id, "/dir/file")
        const got = await raw(world.endpoint, "GET", pathOf(download.url))
        assert.strictEqual(got.headers["content-length"], String(size))
        assert.isTrue(got.body.equals(content))
        if (size < 2) continue
        const range = async (text: string, from: number, to: number) => {
          const part = await raw(world.endpoint, "GET", pathOf(download.url), { headers: { range: text } })
          assert.strictEqual(part.status, 206)
          assert.strictEqual(part.headers["content-range"], `bytes ${from}-${to - 1}/${size}`)
          assert.isTrue(part.body.equals(content.subarray(from, to)))
        }
        await range("bytes=1-100", 1, 101)
        await range("bytes=1000-", 1000, size)
        await range("Bytes=-7", size - 7, size)
        const ask = (range: string) => raw(world.endpoint, "GET", pathOf(download.url), { headers: { range } })
        const beyond = await ask(`bytes=${size}-`)
        assert.deepStrictEqual([beyond.status, beyond.headers["content-range"]], [416, `bytes */${size}`])
        for (const other of ["bytes=1-0", "bytes=0-0,1-1", "lines=0-1"]) {
          assert.strictEqual((await ask(other)).status, 200, other)
        }
      }
      assert.lengthOf(blobs(world, id), 1)
    }))

  it.effect("open one file for one method, from one host, without a key", () =>
    promise(async (world) => {
      const [id, other] = [await world.context("mine"), await world.context("theirs")]
      for (const file of ["/f", "/g"]) await world.put(id, file, file)
      await world.put(other, "/f", "theirs")
      const down = pathOf((await urlOf(world, "Download", id, "/f")).url)
      const up = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      const status = async (method: string, path: string, headers: Http.OutgoingHttpHeaders = {}) =>
        (await raw(world.endpoint, method, path, { headers }, method === "PUT" ? Buffer.from("evil") : undefined))
          .status
      assert.strictEqual(await status("GET", down), 200)
      for (
        const [method, path] of [
          ["PUT", down],
          ["GET", up],
          ["DELETE", up],
          ["HEAD", down],
          ["POST", up],
          ["GET", down.replace("/f?", "/g?")],
          ["GET", down.replace(id, other)],
          ["GET", down.replace("/f?", "/./f?")],
          ["GET", down.replace("/f?", "//f?")],
          ["GET", down.replace("/f?", "/g/../f?")],
          ["GET", down.replace("/f?", "/%2e%2e/f?")],
          ["GET", down.replace("/f?", "/f%00?")],
          ["GET", down.replace(/expires=\d+/, "expires=9999999999")],
          ["GET", down.replace(/signature=./, (text) => text.endsWith("0") ? "signature=1" : "signature=0")],
          ["GET", down.replace(/signature=.*/, "signature=")],
          ["GET", down.replace(/&signature=.*/, "")],
          ["GET", `${down}0`],
          ["GET", `/contexts/${id}/f`],
          ["GET", "/contexts/"],
          ["GET", "/contexts/%zz/f?expires=1&signature=0"]
        ] as const
      ) {
        assert.include([400, 403, 404, 405], await status(method, path), `${method} ${path}`)
      }
      assert.strictEqual(await status("GET", down, { host: "evil.example" }), 403)
      assert.strictEqual(await status("GET", down, { origin: "http://evil.example" }), 403)
      assert.strictEqual((await world.fetchFile(id, "/f")).toString(), "/f", "and nothing was written")
    }))

  it.effect("of a file or a context that is gone give 404", () =>
    promise(async (world) => {
      const id = await world.context("leaving")
      await world.put(id, "/f", "x")
      const down = pathOf((await urlOf(world, "Download", id, "/f")).url)
      const up = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      await world.post("/sdk/DeleteContextFile", { contextId: id, filePath: "/f" })
      assert.strictEqual((await raw(world.endpoint, "GET", down)).status, 404)
      const missing = await world.post("/sdk/GetContextFileDownloadUrl", { contextId: id, filePath: "/f" })
      assert.include(missing.body, { success: false, code: "ContextFile.NotFound" })
      await world.post("/sdk/DeleteContext", { id })
      assert.strictEqual((await raw(world.endpoint, "PUT", up, {}, Buffer.from("x"))).status, 404)
    }))

  it.effect("honour preconditions of both methods", () =>
    promise(async (world) => {
      const id = await world.context("preconditions")
      const put = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      const send = async (headers: Http.OutgoingHttpHeaders, body: string) =>
        (await raw(world.endpoint, "PUT", put, { headers }, Buffer.from(body))).status
      assert.strictEqual(await send({ "if-match": "*" }, "none to match"), 412)
      assert.strictEqual(await send({ "if-none-match": "*" }, "first"), 200)
      assert.strictEqual(await send({ "if-none-match": "*" }, "second"), 412)
      const get = pathOf((await urlOf(world, "Download", id, "/f")).url)
      const ask = (headers: Http.OutgoingHttpHeaders) => raw(world.endpoint, "GET", get, { headers })
      const { body, headers: { etag = "", "last-modified": modified = "" } } = await ask({})
      assert.strictEqual(body.toString(), "first")
      const before = new Date(Date.parse(modified) - 1000).toUTCString()
      for (
        const [headers, status, text] of [
          [{ "if-match": etag }, 200, "first"],
          [{ "if-match": `"x", ${etag}` }, 200, "first"],
          [{ "if-match": `W/${etag}` }, 412],
          [{ "if-match": "\"x\"" }, 412],
          [{ "if-none-match": etag }, 304, ""],
          [{ "if-none-match": `W/${etag}, "x"` }, 304, ""],
          [{ "if-none-match": "*", range: "bytes=0-1" }, 304, ""],
          [{ "if-none-match": "\"x\"" }, 200, "first"],
          [{ "if-modified-since": modified }, 304, ""],
          [{ "if-modified-since": before }, 200, "first"],
          [{ "if-modified-since": "no date" }, 200, "first"],
          [{ "if-unmodified-since": modified }, 200, "first"],
          [{ "if-unmodified-since": before }, 412],
          [{ "if-unmodified-since": before, "if-match": etag }, 200, "first"],
          [{ range: "bytes=1-2", "if-range": etag }, 206, "ir"],
          [{ range: "bytes=1-2", "if-range": "\"x\"" }, 200, "first"],
          [{ range: "bytes=1-2", "if-range": `W/${etag}` }, 200, "first"],
          [{ range: "bytes=1-2", "if-range": modified }, 200, "first"],
          [{ range: "bytes=1-2", "if-match": etag }, 206, "ir"]
        ] as const
      ) {
        const found = await ask(headers)
        assert.strictEqual(found.status, status, JSON.stringify(headers))
        if (text !== undefined) assert.strictEqual(found.body.toString(), text, JSON.stringify(headers))
        if (status === 304) assert.strictEqual(found.headers.etag, etag)
      }
      const replaced = await Promise.all(["a", "b", "c", "d"].map((text) => send({ "if-match": etag }, text)))
      assert.deepStrictEqual(replaced.sort(), [200, 412, 412, 412], "one of many at once")
      assert.lengthOf(blobs(world, id), 1)
    }))

  it.effect("take whole files only, and those that are what their digests say", () =>
    promise(async (world) => {
      const id = await world.context("digests")
      await world.put(id, "/f", "before")
      const put = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      const content = Buffer.from("0123456789")
      const digest = (algorithm: string) => Crypto.createHash(algorithm).update(content).digest("base64")
      const send = async (headers: Http.OutgoingHttpHeaders) => {
        const { body, status } = await raw(world.endpoint, "PUT", put, { headers }, content)
        return `${status} ${body.length === 0 ? "" : String((JSON.parse(body.toString()) as { code: string }).code)}`
          .trim()
      }
      for (
        const [headers, answer] of [
          [{ "content-range": "bytes 4-9/10" }, "400 InvalidRequest"],
          [{ "content-range": "bytes 0-9/10" }, "400 InvalidRequest"],
          [{ "content-md5": Buffer.alloc(16).toString("base64") }, "400 BadDigest"],
          [{ "content-md5": "no digest" }, "400 InvalidDigest"],
          [{ "content-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` }, "400 BadDigest"],
          [{ digest: `SHA-256=${Buffer.alloc(32).toString("base64")}` }, "400 BadDigest"]
        ] as const
      ) {
        assert.strictEqual(await send(headers), answer, JSON.stringify(headers))
        assert.strictEqual((await world.fetchFile(id, "/f")).toString(), "before")
      }
      for (
        const headers of [
          { "content-md5": digest("md5") },
          { "content-digest": `sha-512=:x:, sha-256=:${digest("sha256")}:` },
          { digest: `sha-256=${digest("sha256")}`, "content-md5": digest("md5") }
        ]
      ) assert.strictEqual(await send(headers), "200", JSON.stringify(headers))
      assert.strictEqual((await world.fetchFile(id, "/f")).toString(), "0123456789")
      assert.lengthOf(blobs(world, id), 1)
    }))

  it.effect("refuse by its length what does not fit, before a byte of it has come", () =>
    promise(async (world) => {
      const id = await world.context("too long")
      const path = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      const { hostname, port } = new URL(world.endpoint)
      let status: number | undefined
      const request = Http.request(
        { hostname, port, method: "PUT", path, headers: { "content-length": 2 ** 34 } },
        (response) => status = response.statusCode
      )
      request.on("error", () => {})
      request.flushHeaders()
      while (status === undefined && blobs(world, id).length === 0) await sleep(5)
      request.destroy()
      assert.strictEqual(status, 413)
      assert.deepStrictEqual(blobs(world, id), [])
    }))

  it.effect("that are cut off leave nothing, nor change what was there", () =>
    promise(async (world) => {
      const id = await world.context("cut")
      await world.put(id, "/f", "before")
      const path = pathOf((await urlOf(world, "Upload", id, "/f")).url)
      const { hostname, port } = new URL(world.endpoint)
      for (const headers of [{ "content-length": 10_000_000 }, { "transfer-encoding": "chunked" }]) {
        const request = Http.request({ hostname, port, method: "PUT", path, headers })
        request.on("error", () => {})
        request.write(Buffer.alloc(3_000_000))
        while (blobs(world, id).length === 1) await sleep(5)
        request.destroy()
        while (blobs(world, id).length > 1) await sleep(5)
      }
      assert.strictEqual((await world.fetchFile(id, "/f")).toString(), "before")
    }))

  it.effect("replace a file in one step: whoever reads meanwhile gets one version, whole", () =>
    promise(async (world) => {
      const id = await world.context("versions")
      const version = (letter: string) => letter.repeat(2_000_000)
      await world.put(id, "/f", version("a"))
      const reading = Array.from({ length: 20 }, () => world.fetchFile(id, "/f"))
      await Promise.all(["b", "c", "d"].map((letter) => world.put(id, "/f", version(letter))))
      for (const content of await Promise.all(reading)) {
        assert.strictEqual(content.length, 2_000_000)
        assert.isTrue(content.equals(Buffer.alloc(2_000_000, content[0])))
      }
    }))

  it.effect("are made for any name, and no name leaves the store", () =>
    promise(async (world) => {
      const id = await world.context("names")
      const good = [
        "/a b+c%2f&=?#.txt",
        "/naïve 🎈/日本\u0301",
        "/line\nbreak\r\ttab\u007f",
        "/...",
        "/-rf",
        "/con\\..\\x",
        "/%2e%2e/%2e%2e/etc/passwd",
        `/${"long".repeat(1000)}`,
        "/__proto__",
        "/\ufffd\ufffe"
      ]
      for (const name of good) {
        assert.strictEqual((await world.put(id, name, name)).status, 200, name)
        assert.strictEqual((await world.fetchFile(id, name)).toString(), name)
      }
      assert.strictEqual((await world.fetchFile(id, ".//a b+c%2f&=?#.txt")).length, 17)
      const bad = [
        "/..",
        "/../x",
        "/a/../../x",
        "../../etc/passwd",
        "/a\0b",
        "/",
        "//",
        "/dir/",
        `/${"x".repeat(4097)}`
      ]
      for (const filePath of bad) {
        for (const action of ["GetContextFileUploadUrl", "GetContextFileDownloadUrl", "DeleteContextFile"]) {
          const answer = await world.post(`/sdk/${action}`, { contextId: id, filePath })
          assert.strictEqual(answer.status, 400, `${action} ${filePath}`)
          assert.include(String(answer.body["message"]), "filePath")
        }
      }
      // The time of the last use is written in the background, to a file that then takes the place of `context.json`.
      const names = () => Fs.readdirSync(Path.join(world.directory, id))
      await Effect.runPromise(until(() => names().length === 3))
      assert.sameMembers(names(), ["blobs", "context.json", "files"])
      for (const blob of blobs(world, id)) assert.match(blob, /^[0-9a-f]{32}$/)
    }))

  it.effect("listings are pages of a folder", () =>
    promise(async (world) => {
      const id = await world.context("listing")
      for (const path of ["/tmp/a", "/tmp/b", "/tmp/c", "/tmp/sub/x", "/tmp/sub/y/z", "/tmp2/a"]) {
        await world.put(id, path, "12345")
      }
      const list = (query: Record<string, string>) =>
        world.post("/sdk/DescribeContextFiles", { contextId: id, pageNumber: "1", pageSize: "50", ...query })
      for (const parent of ["/tmp", "/tmp/", "tmp"]) {
        const { body, data } = await list({ parentFolderPath: parent })
        assert.strictEqual(body["count"], 4)
        const files = data<ReadonlyArray<Record<string, unknown>>>()
        assert.deepStrictEqual(files.map(({ filePath }) => filePath), ["/tmp/a", "/tmp/b", "/tmp/c", "/tmp/sub"])
        assert.include(files[0], { fileName: "a", fileType: "FILE", size: 5, status: "available" })
        assert.include(files[3], { fileName: "sub", fileType: "FOLDER", size: 10 })
      }
      assert.deepStrictEqual((await list({ parentFolderPath: "" })).body["data"], (await list({})).body["data"])
      assert.deepStrictEqual(await world.names(id), ["/tmp", "/tmp2"])
      const second = await list({ parentFolderPath: "/tmp", pageNumber: "2", pageSize: "3" })
      assert.strictEqual(second.body["count"], 4)
      assert.lengthOf(second.data<ReadonlyArray<unknown>>(), 1)
      assert.deepStrictEqual((await list({ parentFolderPath: "/none" })).body["data"], [])
    }))
})

describe("signatures", () => {
  const grant = { method: "GET", contextId: "SdkCtx-1", path: "/f", expires: 1000 } as const

  const verify = (urls: signedUrls.SignedUrls, url: string, now: number) => {
    const [path = "", query = ""] = url.split("?")
    return urls.verify("GET", path, new URLSearchParams(query), now)
  }

  it("end at their second", () => {
    const urls = signedUrls.make()
    const url = urls.sign(grant)
    assert.deepStrictEqual(verify(urls, url, 999_999), grant)
    assert.strictEqual(verify(urls, url, 1_000_000), "expired")
  })

  it("are worth nothing to another runtime", () => {
    assert.strictEqual(verify(signedUrls.make(), signedUrls.make().sign(grant), 0), "forbidden")
  })

  it("tell context and path apart however they are cut", () => {
    const urls = signedUrls.make()
    const signatureOf = (url: string) => url.slice(url.indexOf("signature="))
    const one = urls.sign({ ...grant, contextId: "a", path: "/b/c" })
    const other = urls.sign({ ...grant, contextId: "a/b", path: "/c" })
    assert.notStrictEqual(signatureOf(one), signatureOf(other))
  })
})
