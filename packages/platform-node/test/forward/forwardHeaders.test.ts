/** Links of other forms than those of the local runtime: a folder, a token in the query, another scheme. */
import { assert, describe, it } from "@effect/vitest"
import { LinkTarget } from "../../src/internal/forward/forwardHeaders.js"

const targetOf = (url: string): LinkTarget => LinkTarget.parse(url) ?? assert.fail(`${url} is no link`)

describe("the address of a link", () => {
  it("is encrypted or of this machine, and names nobody", () => {
    const wrong = [
      "http://gw.example/x",
      "ws://gw.example/x",
      "ftp://gw.example",
      "https://a:b@gw.example",
      "no address"
    ]
    for (const text of wrong) assert.isUndefined(LinkTarget.parse(text), text)
    for (
      const text of ["https://gw.example/x", "wss://gw.example/x", "http://127.0.0.1:5/x", "ws://localhost:5/%zz?t=%zz"]
    ) {
      assert.match(targetOf(text).url.protocol, /^https?:$/)
    }
  })

  it("is in each request, with its folder and its query", () => {
    const target = targetOf("https://gw.example:30100/s-1/?t=secret-token")
    assert.strictEqual(target.pathOf("/"), "/s-1/?t=secret-token")
    assert.strictEqual(target.pathOf("/a?b=c"), "/s-1/a?b=c&t=secret-token")
    assert.strictEqual(targetOf("https://gw.example").pathOf("/a?b=c"), "/a?b=c")
  })

  it("is taken out of references, whatever their form", () => {
    const target = targetOf("https://gw.example:30100/s-1?t=secret-token")
    const references = [
      ["next", "/next"],
      ["/s-1/deep?a=1&t=secret-token#h", "/deep?a=1#h"],
      ["https://gw.example:30100/s-1?t=secret-token", "/"],
      ["/?u=secret-token", "/"],
      ["https://example.com/x", "https://example.com/x"],
      ["mailto:a@b", "mailto:a@b"],
      ["//[", "//["]
    ] as const
    for (const [given, expected] of references) {
      assert.strictEqual(target.localReference(given, "/from"), expected, given)
    }
    assert.isTrue(target.tells("x=secret-token; y"))
    assert.isFalse(target.tells("s-1"))
  })
})
