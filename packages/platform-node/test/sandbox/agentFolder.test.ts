/** The built agent is found beside the program, and where it is not, what to do is said. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { agentOf, findAgent } from "../../src/internal/sandbox/confine/agentFolder.js"

const manifest = { name: "@effect-agb/platform-node", exports: { "./package.json": "./package.json" } }

/** Writes files into a temporary folder and answers the URL of one of them. */
const program = (files: Readonly<Record<string, string>>, from: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-agent-")))),
      (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
    ),
    (folder) => {
      for (const [name, text] of Object.entries({ ...files, [from]: "" })) {
        Fs.mkdirSync(Path.dirname(Path.join(folder, name)), { recursive: true })
        Fs.writeFileSync(Path.join(folder, name), text)
      }
      return { folder, url: pathToFileURL(Path.join(folder, from)).href }
    }
  )

const messageOf = (found: ReturnType<typeof findAgent>) =>
  Either.match(found, { onLeft: (error) => error.message, onRight: ({ file }) => file })

describe("the built agent", () => {
  it("is found from the sources", () => {
    const { file, folder, javaKernel } = Either.getOrThrow(findAgent())
    assert.deepStrictEqual([Path.basename(folder), Path.dirname(file)], ["agent", folder])
    assert.isTrue([file, javaKernel].every((path) => Fs.statSync(path).isFile()))
  })

  it.scoped("is found from the compiled package, and from a bundle beside which the package is installed", () =>
    Effect.gen(function*() {
      const files = { "package.json": JSON.stringify(manifest), "dist/agent/agent.cjs": "" }
      const own = yield* program(files, "dist/internal/sandbox/confine/agentFolder.js")
      assert.strictEqual(Either.getOrThrow(findAgent(own.url)).folder, Path.join(own.folder, "dist/agent"))
      const inModules = Object.fromEntries(
        Object.entries(files).map(([name, text]) => [`node_modules/@effect-agb/platform-node/${name}`, text])
      )
      const bundle = yield* program(inModules, "out/bundle.mjs")
      const folder = Path.join(bundle.folder, "node_modules/@effect-agb/platform-node/dist/agent")
      assert.strictEqual(Either.getOrThrow(findAgent(bundle.url)).folder, folder)
    }))

  it.scoped("that is not there is an error that says what to do", () =>
    Effect.gen(function*() {
      assert.include(messageOf(agentOf(undefined)), "must stay external to the bundle")
      const checkout = yield* program(
        { "package.json": JSON.stringify(manifest), "agent/main.ts": "" },
        "src/internal/sandbox/confine/agentFolder.ts"
      )
      assert.include(messageOf(findAgent(checkout.url)), "agent is not built. Run `pnpm build`")
      const broken = yield* program({ "package.json": JSON.stringify(manifest) }, "dist/index.js")
      assert.include(messageOf(findAgent(broken.url)), `${broken.folder}/dist/agent/agent.cjs. Install`)
    }))
})
