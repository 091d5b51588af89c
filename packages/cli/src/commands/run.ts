/** `agb run`: runs a file, or code, and shows its output while it runs. */
import type { CodeExecutionError, CodeResultItem } from "@effect-agb/core/AgbError"
import * as AgbTools from "@effect-agb/core/AgbTools"
import type * as Code from "@effect-agb/core/Code"
import * as RichResult from "@effect-agb/core/RichResult"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import { ExitCode, UsageError } from "../failure.js"
import { note, printJson, write } from "../output/write.js"
import { inSession } from "../session/backend.js"
import * as options from "../session/options.js"

const languages: Readonly<Record<string, string>> = {
  ".py": "python",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
  ".ts": "javascript",
  ".mts": "javascript",
  ".java": "java",
  ".r": "r"
}

interface Given {
  readonly file: Option.Option<string>
  readonly code: Option.Option<string>
  readonly language: Option.Option<string>
  readonly output: Option.Option<string>
}

const usage = (message: string) => new UsageError({ message })

const readStandardInput = Effect.promise(async () => {
  const chunks: Array<Buffer> = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
})

/** Checked before a session is created. */
const languageOf = (path: string, given: Option.Option<string>) => {
  const name = Option.getOrElse(given, () => languages[Path.extname(path).toLowerCase()])
  if (name === undefined) {
    return usage(`--language must say what ${path} is: python, javascript, java or r`)
  }
  return Effect.mapError(
    Schema.decode(AgbTools.Language)(name),
    () => usage(`--language must be python, javascript, java or r, but was ${name}`)
  )
}

const checkFile = (path: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const { type } = yield* files.stat(path)
    if (type === "Directory") return yield* usage(`${path} is a directory; give a file of code`)
  })

/** What to run, and what the names of saved figures begin with. */
const sourceOf = ({ code, file, language, output }: Given) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    if (Option.isSome(file) === Option.isSome(code)) return yield* usage("give either a file or code by -c")
    const path = Option.getOrElse(file, () => "-")
    const isFile = path !== "-"
    if (isFile) yield* checkFile(path)
    const name = yield* languageOf(isFile ? path : "the code", language)
    if (Option.isSome(output)) yield* files.makeDirectory(output.value, { recursive: true })
    const folder = Option.getOrElse(output, () => isFile ? Path.dirname(path) : ".")
    return {
      code: Option.isSome(code) ? code.value : yield* isFile ? files.readFileString(path) : readStandardInput,
      language: name,
      stem: Path.join(folder, isFile ? Path.basename(path, Path.extname(path)) : "figure")
    }
  })

const isFigure = ({ mimeType }: RichResult.Representation): boolean => /^image\/|^text\/html|pdf$/.test(mimeType)

/** Saves what is a figure; the path, if it is one. */
const save = (item: CodeResultItem, stem: string, count: number) => {
  const best = Option.filter(RichResult.best(item), isFigure)
  return Effect.transposeMapOption(best, (figure) => RichResult.saveAs(figure, `${stem}-${count}`))
}

const textOf = (item: CodeResultItem): string => RichResult.show({ stdout: "", stderr: "", results: [item] })

/** One line per displayed value, or one event of JSON. */
const show = (isJson: boolean, item: CodeResultItem, file: Option.Option<string>) => {
  const text = RichResult.get(item, "text/plain").pipe(
    Option.map((plain) => plain._tag === "Text" ? plain.text : ""),
    Option.getOrElse(() => "")
  )
  if (isJson) {
    return printJson({
      type: "result",
      text,
      mimeTypes: Object.keys(item.data),
      ...Option.match(file, { onNone: () => ({}), onSome: (path) => ({ file: path }) })
    })
  }
  return Option.match(file, {
    onNone: () => write("stdout", `${textOf(item)}\n`),
    onSome: (path) => note(`saved ${path}`)
  })
}

const events = (isJson: boolean, stem: string) => {
  let figures = 0
  return (event: Code.CodeEvent) => {
    switch (event._tag) {
      case "Stdout":
      case "Stderr": {
        const stream = event._tag === "Stdout" ? "stdout" : "stderr"
        return isJson ? printJson({ type: stream, text: event.text }) : write(stream, event.text)
      }
      case "Result":
        return Effect.flatMap(save(event.item, stem, figures + 1), (file) => {
          if (Option.isSome(file)) figures++
          return show(isJson, event.item, file)
        })
      case "Completed":
        return isJson ? printJson({ type: "completed" }) : Effect.void
    }
  }
}

/** What the code raised is its own: it is shown as it is, unless the session has written it to standard error. */
const raised = (isJson: boolean) => ({ name, stderr, traceback, value }: CodeExecutionError) => {
  const text = (traceback === "" ? `${name}: ${value}` : traceback).trimEnd()
  const isShown = stderr.trimEnd().endsWith(text)
  const said = isJson
    ? printJson({ type: "raised", name, value, traceback })
    : isShown
    ? stderr.endsWith("\n") ? Effect.void : write("stderr", "\n")
    : write("stderr", `${text}\n`)
  return Effect.zipRight(said, new ExitCode({ code: 1 }))
}

const config = {
  file: Args.text({ name: "file" }).pipe(
    Args.withDescription("a file of this machine, or - for standard input"),
    Args.optional
  ),
  code: Options.text("code").pipe(
    Options.withAlias("c"),
    Options.withDescription("code instead of a file"),
    Options.optional
  ),
  language: Options.text("language").pipe(
    Options.withAlias("l"),
    Options.withDescription("python, javascript, java or r; otherwise by the extension of the file"),
    Options.optional
  ),
  output: Options.text("output").pipe(
    Options.withAlias("o"),
    Options.withDescription("directory for figures; otherwise beside the file, or here"),
    Options.optional
  ),
  timeout: options.timeout,
  ...options.session
}

export const run = Command.make("run", config, (given) =>
  Effect.gen(function*() {
    const { code, language, stem } = yield* sourceOf(given)
    const timeout = yield* options.optionalTime("timeout", given.timeout)
    const show = events(given.json, stem)
    yield* inSession(
      given,
      (session) => Stream.runForEach(session.code.runCodeStream(code, language, { timeout }), show)
    ).pipe(
      Effect.catchTag("CodeExecutionError", raised(given.json))
    )
  })).pipe(
    Command.withDescription("Runs code in a session: its output appears while it runs, its figures are saved as files.")
  )
