/**
 * The tools of a session as data: the server inside the session that answers, the arguments, what the text of the
 * answer means, and how safely a call may be repeated. The client's modules and the local runtime are derived from them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { filled, jsonText, lenient, seconds, someCode, StringRecord, wholeText } from "./internal/wire/codecs.js"
import { optional, type RetrySafety } from "./internal/wire/endpoint.js"
import { DirectoryText, FileChangeText, FileInfoText, SearchText } from "./internal/wire/fileTexts.js"
import { Language } from "./internal/wire/language.js"
import { MetricsText } from "./internal/wire/metrics.js"
import { plainRun, RunCodeText } from "./internal/wire/runCodeResult.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Tool<A extends object, AI, R> {
  readonly name: string
  readonly description: string
  /** A label of the wire: the server inside the session. */
  readonly server: string
  readonly args: Schema.Schema<A, AI>
  /** What the text of a successful answer means. */
  readonly result: Schema.Schema<R, string>
  /** How safely a call may be repeated once it may have happened. */
  readonly retrySafety: (args: A) => RetrySafety
  /** What clients are told that show the text of an answer as it is. Absent: the same text as all others. */
  readonly plain?: (result: R) => PlainAnswer
}

/**
 * An answer for clients of the first generation (v0.2), which know nothing but a text and whether it is an error.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlainAnswer {
  readonly text: string
  readonly isError: boolean
}

/**
 * The arguments of a tool, under their wire names.
 *
 * @since 0.1.0
 * @category models
 */
export type ArgsOf<T> = T extends Tool<infer A, infer _AI, infer _R> ? A : never

/**
 * What a tool answers.
 *
 * @since 0.1.0
 * @category models
 */
export type ResultOf<T> = T extends Tool<infer _A, infer _AI, infer R> ? R : never

const unsafe = (): RetrySafety => "unsafe"
const idempotent = (): RetrySafety => "idempotent"
const safe = (): RetrySafety => "safe"

const tool = <A extends object, AI, R>(self: Tool<A, AI, R>): Tool<A, AI, R> => self

export {
  /**
   * A language that `run_code` knows, and its schema, which decodes `py`, `python3`, `js`, `node` and `nodejs` and any case
   * to the canonical name.
   *
   * @since 0.1.0
   * @category models
   */
  Language
} from "./internal/wire/language.js"

/**
 * An absolute POSIX path without NUL, at most 4096 characters.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AbsolutePath = Schema.String.pipe(
  Schema.filter((path) => path.startsWith("/") && !path.includes("\0") && path.length <= 4096, {
    description: "an absolute path without NUL and of at most 4096 characters"
  })
)

const milliseconds = Schema.Int.pipe(Schema.between(1, 86_400_000, { description: "from 1 millisecond to a day" }))

/**
 * Environment variables of a command: names without `=` and NUL, values without NUL, passed literally.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Environment = StringRecord.pipe(
  Schema.filter(
    (envs) => Object.entries(envs).every(([name, value]) => /^[^=\0]+$/.test(name) && !value.includes("\0")),
    { description: "an object of strings without NUL, with names that are not empty and have no =" }
  )
)

/**
 * Runs code in a kernel of the session that keeps its state between calls.
 *
 * @since 0.1.0
 * @category tools
 */
export const run_code = tool({
  name: "run_code",
  description: "Run code in a kernel that keeps its state between calls",
  server: "wuying_codespace",
  args: Schema.Struct({
    code: someCode,
    language: Language,
    timeout_s: optional(seconds)
  }),
  result: RunCodeText,
  retrySafety: unsafe,
  plain: plainRun
})

/**
 * Runs a command line in a fresh shell.
 *
 * @since 0.1.0
 * @category tools
 */
export const shell = tool({
  name: "shell",
  description: "Run a command line in a fresh shell",
  server: "wuying_shell",
  args: Schema.Struct({
    command: wholeText.pipe(Schema.filter((command) => command.trim() !== "" && !command.includes("\0"), {
      description: "a command that is not blank and has no NUL"
    })),
    timeout_ms: optional(milliseconds),
    cwd: optional(AbsolutePath),
    envs: optional(Environment)
  }),
  result: Schema.parseJson(Schema.Struct({
    stdout: Schema.String,
    stderr: Schema.String,
    exit_code: Schema.Int,
    traceId: lenient(Schema.String)
  })),
  retrySafety: unsafe,
  plain: ({ exit_code: code, stderr, stdout }) => {
    const output = stdout + stderr
    if (code === 0) return { text: output, isError: false }
    const said = output === "" || output.endsWith("\n") ? output : `${output}\n`
    return { text: `${said}The command exited with code ${code}`, isError: true }
  }
})

const fileTool = <A extends object, AI, R>(self: Omit<Tool<A, AI, R>, "server">) =>
  tool({ ...self, server: "wuying_filesystem" })

const onePath = Schema.Struct({ path: AbsolutePath })

/**
 * @since 0.1.0
 * @category tools
 */
export const create_directory = fileTool({
  name: "create_directory",
  description: "Create a directory and its parents; one that exists is fine",
  args: onePath,
  result: Schema.String,
  retrySafety: idempotent
})

/**
 * @since 0.1.0
 * @category tools
 */
export const delete_file = fileTool({
  name: "delete_file",
  description: "Delete a file",
  args: onePath,
  result: Schema.String,
  retrySafety: idempotent
})

/**
 * @since 0.1.0
 * @category tools
 */
export const edit_file = fileTool({
  name: "edit_file",
  description: "Replace texts in a file, all or none; answers a unified diff",
  args: Schema.Struct({
    path: AbsolutePath,
    edits: jsonText(
      Schema.Array(Schema.Struct({
        oldText: wholeText.pipe(Schema.filter((text) => text !== "", { description: "a text that is not empty" })),
        newText: wholeText
      })).pipe(Schema.minItems(1, { description: "at least one edit" }))
    ),
    dryRun: optional(Schema.Boolean)
  }),
  result: Schema.String,
  retrySafety: unsafe
})

/**
 * @since 0.1.0
 * @category tools
 */
export const get_file_info = fileTool({
  name: "get_file_info",
  description: "Size, kind, times and owner of a file or directory",
  args: onePath,
  result: FileInfoText,
  retrySafety: safe
})

/**
 * @since 0.1.0
 * @category tools
 */
export const list_directory = fileTool({
  name: "list_directory",
  description: "The entries of a directory",
  args: onePath,
  result: DirectoryText,
  retrySafety: safe
})

/**
 * @since 0.1.0
 * @category tools
 */
export const move_file = fileTool({
  name: "move_file",
  description: "Move a file or directory to a path that does not exist",
  args: Schema.Struct({ source: AbsolutePath, destination: AbsolutePath }),
  result: Schema.String,
  retrySafety: unsafe
})

/**
 * Reads a file or a range of its bytes; with `format: "binary"` the answer is base64.
 *
 * @since 0.1.0
 * @category tools
 */
export const read_file = fileTool({
  name: "read_file",
  description: "Read a file or a range of its bytes",
  args: Schema.Struct({
    path: AbsolutePath,
    offset: optional(Schema.NonNegativeInt),
    length: optional(Schema.NonNegativeInt),
    format: optional(Schema.Literal("text", "binary"))
  }),
  result: Schema.String,
  retrySafety: safe
})

/**
 * @since 0.1.0
 * @category tools
 */
export const read_multiple_files = fileTool({
  name: "read_multiple_files",
  description: "Read several text files",
  args: Schema.Struct({ paths: Schema.Array(AbsolutePath) }),
  result: Schema.String,
  retrySafety: safe
})

/**
 * @since 0.1.0
 * @category tools
 */
export const search_files = fileTool({
  name: "search_files",
  description: "Find files below a directory whose name or relative path matches a glob",
  args: Schema.Struct({
    path: AbsolutePath,
    pattern: filled("a pattern that is not blank"),
    excludePatterns: optional(Schema.Array(filled("a pattern that is not blank")))
  }),
  result: SearchText,
  retrySafety: safe
})

/**
 * Writes text to a file. Only `overwrite` may be repeated.
 *
 * @since 0.1.0
 * @category tools
 */
export const write_file = fileTool({
  name: "write_file",
  description: "Write text to a file",
  args: Schema.Struct({
    path: AbsolutePath,
    content: wholeText,
    mode: optional(Schema.Literal("overwrite", "append", "create_new"))
  }),
  result: Schema.String,
  retrySafety: ({ mode }) => (mode ?? "overwrite") === "overwrite" ? "idempotent" : "unsafe"
})

/**
 * What changed below a directory since the previous call for it; each answer is given once.
 *
 * @since 0.1.0
 * @category tools
 */
export const get_file_change = fileTool({
  name: "get_file_change",
  description: "What changed below a directory since the previous call",
  args: onePath,
  result: FileChangeText,
  retrySafety: unsafe
})

/**
 * What a session uses of its processors, memory, disk and network.
 *
 * @since 0.1.0
 * @category tools
 */
export const get_metrics = tool({
  name: "get_metrics",
  description: "What the session uses of its processors, memory, disk and network",
  server: "wuying_shell",
  args: Schema.Struct({}),
  result: MetricsText,
  retrySafety: safe
})

export {
  /**
   * The names of the tools that only browser images offer.
   *
   * @since 0.1.0
   * @category tools
   */
  browserTools,
  /**
   * The names of the tools that only desktop images offer.
   *
   * @since 0.1.0
   * @category tools
   */
  desktopTools
} from "./internal/wire/imageTools.js"

export {
  /**
   * The text in which `read_multiple_files` answers: blocks `path:` and content, joined by a `---` line.
   *
   * @since 0.1.0
   * @category formats
   */
  writeFileBlocks as fileBlocks
} from "./internal/wire/fileTexts.js"

/**
 * Every tool by name.
 *
 * @since 0.1.0
 * @category tools
 */
export const tools = {
  run_code,
  shell,
  create_directory,
  delete_file,
  edit_file,
  get_file_info,
  list_directory,
  move_file,
  read_file,
  read_multiple_files,
  search_files,
  write_file,
  get_file_change,
  get_metrics
} as const

/**
 * @since 0.1.0
 * @category models
 */
export type Tools = typeof tools

/**
 * @since 0.1.0
 * @category models
 */
export type ToolName = keyof Tools
