/** The classes of `IPython.display`, with IPython and without it. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Agent from "../support/agent/agentProcess.js"
import { pythons } from "../support/agent/pythons.js"

const shown = (code: string) =>
  Effect.map(Agent.run("python", code), ({ error, results, stderr }) => {
    assert.deepStrictEqual([error, stderr], [null, ""], code)
    return results.map(({ isMainResult: _, ...bundle }) => bundle)
  })

/** What an object of `IPython.display` shows besides its text. */
const cases: ReadonlyArray<readonly [code: string, type: string, content: unknown]> = [
  ["HTML(filename='text.md')", "text/html", "# title\n"],
  ["HTML('text.md')", "text/html", "# title\n"],
  ["Markdown(filename='text.md')", "text/markdown", "# title\n"],
  ["SVG(filename='image.svg')", "image/svg+xml", "<svg><rect/></svg>"],
  ["SVG('<?xml version=\"1.0\"?><!-- c --><svg></svg>')", "image/svg+xml", "<svg/>"],
  ["Image('image.gif')", "image/gif", "R0lGODlh"],
  [
    "Image(url='http://x/a.png', width=1, height=2)",
    "text/html",
    "<img src=\"http://x/a.png\" width=\"1\" height=\"2\"/>"
  ],
  ["Image(url='http://x/a.png', unconfined=True)", "text/html", "<img src=\"http://x/a.png\" class=\"unconfined\"/>"],
  ["JSON({'a': [1]})", "application/json", { a: [1] }],
  ["Javascript('f()', lib='l.js')", "application/javascript", /script\.src = "l\.js";[^]*\nf\(\)\n\}\);$/],
  ["Video('http://x/a.mp4', html_attributes='muted')", "text/html", /^<video src="http:\/\/x\/a\.mp4" muted {2}>/],
  [
    "Video('video.mp4', embed=True, width=3)",
    "text/html",
    /<source src="data:video\/mp4;base64,YQ==" type="video\/mp4">/
  ],
  ["YouTubeVideo('a', allow_autoplay=True)", "text/html", /src="[^"]*\/a\?autoplay=1"[^]*allow="autoplay"/]
]

describe.skipIf(process.platform !== "linux").each(pythons)("what python shows with %s", (_, interpreter) => {
  const agent = Layer.scoped(Agent.AgentProcess, Agent.make({ interpreters: { python: interpreter } }))

  describe.skipIf(interpreter === undefined)("of IPython.display", () => {
    layer(agent)((it) => {
      it.effect("is read from files, text and URLs", () =>
        Effect.gen(function*() {
          yield* shown("from IPython.display import *")
          yield* shown(
            "for name, data in {'text.md': b'# title\\n', 'image.svg': b'<svg><rect/></svg>', 'image.gif': b'GIF89a', " +
              "'video.mp4': b'a'}.items():\n  with open(name, 'wb') as file: file.write(data);"
          )
          for (const [code, type, content] of cases) {
            const [bundle] = yield* shown(code)
            if (content instanceof RegExp) assert.match(String(bundle?.[type]), content, code)
            else assert.deepStrictEqual(bundle?.[type], content, code)
          }
        }))

      it.effect("is of one type where that is asked for", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* shown("display_html(HTML('<b>'))"), [{ "text/html": "<b>" }])
          assert.deepStrictEqual(yield* shown("display_latex('$x$', raw=True)"), [{ "text/latex": "$x$" }])
          assert.deepStrictEqual(yield* shown("GeoJSON({'type': 'Point'});"), [])
        }))

      it.effect("is of the same class under each name", () =>
        Effect.gen(function*() {
          const code = "import IPython.core.display as core, IPython.display as face\n"
          const [bundle] = yield* shown(`${code}core.HTML is face.HTML, isinstance(HTML('a'), face.TextDisplayObject)`)
          assert.strictEqual(bundle?.["text/plain"], "(True, True)")
        }))

      it.effect("is nothing where it cannot be", () =>
        Effect.gen(function*() {
          const refused = {
            "Image()": "ValueError",
            "Image(url='a.bmp', embed=True)": "ValueError",
            "JSON(3)": "TypeError"
          }
          for (const [code, name] of Object.entries(refused)) {
            assert.strictEqual((yield* Agent.run("python", code)).error?.name, name, code)
          }
          const { error } = yield* Agent.run("python", "Audio([0.5])")
          assert.match(String(error?.value), /^rate must be specified/)
        }))
    })
  })
})
