/** What the tools of a session say beside their results: for other clients, and for tools of other images. */
import { Session } from "@effect-agb/core"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { failsWith } from "../support/failsWith.js"
import { best, layerWith } from "../support/runtime.js"

layer(layerWith(best), { excludeTestServices: true })("tools", (it) => {
  it.scoped("of another image: the error says that this image does not support them", () =>
    Effect.gen(function*() {
      const { callTool } = yield* Session.make({ imageId: "code_latest" })
      for (const [name, image] of [["page_use_navigate", "browser"], ["click_mouse", "desktop"]] as const) {
        const { detail } = yield* failsWith(callTool(name, {}), "ToolError")
        assert.include(detail, `does not support ${name}`)
        assert.include(detail, image)
      }
    }))

  it.scoped("the time of a file is told under both of its names", () =>
    Effect.gen(function*() {
      const { callTool, command } = yield* Session.make({ imageId: "code_latest" })
      const { stdout } = yield* command.executeCommand("pwd", { timeout: "10 seconds" })
      const lines = (yield* callTool("get_file_info", { path: stdout.trim() })).split("\n")
      const valueOf = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      assert.match(valueOf("modTime") ?? "", /^\d{4}-\d\d-\d\dT/)
      assert.strictEqual(valueOf("modified"), valueOf("modTime"))
    }))
})
