/**
 * Definitions of the tools of a session: server, arguments, result codec and retry safety. The client modules and the
 * local runtime are derived from them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import {
  AbsolutePath,
  bareOrJsonText,
  nonBlank,
  optional,
  seconds,
  sourceCode,
  StringRecord,
  wellFormedText
} from "./internal/wire/codecs.js"
import type { RetrySafety } from "./internal/wire/endpoints/endpoint.js"
import { Language } from "./internal/wire/language.js"
import { withLazyFields } from "./internal/wire/lazyFields.js"
import {
  confirmationText,
  directoryText,
  fileChangeText,
  fileInfoText,
  searchText
} from "./internal/wire/results/fileTexts.js"
import { metricsText } from "./internal/wire/results/metrics.js"
import { plainRun, runCodeText } from "./internal/wire/results/runCodeResult.js"

/**
 * Definition of a tool with arguments `A` and result `R`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tool<A extends object, AI, R> {
  readonly name: string
  readonly description: string
  /** Name of the server inside the session that implements the tool. */
  readonly server: string
  /** Codec of the arguments, under their wire names. */
  readonly args: Schema.Schema<A, AI>
  /** Codec between the text of a successful reply and the result. */
  readonly result: Schema.Schema<R, string>
  /** Whether a call may be retried after an ambiguous failure. */
  readonly retrySafety: (args: A) => RetrySafety
  /** Formats the result for clients that display the text unparsed. Default: the text of `result`. */
  readonly plain?: (result: R) => PlainAnswer
}

/**
 * A reply for first-generation clients (v0.2), which display the text unparsed.
 *
 * @since 0.1.0
 * @category models
 */
export interface PlainAnswer {
  readonly text: string
  readonly isError: boolean
}

/**
 * Arguments of a tool, under their wire names.
 *
 * @since 0.1.0
 * @category models
 */
export type ArgsOf<T> = T extends Tool<infer A, infer _AI, infer _R> ? A : never

/**
 * Decoded result of a tool.
 *
 * @since 0.1.0
 * @category models
 */
export type ResultOf<T> = T extends Tool<infer _A, infer _AI, infer R> ? R : never

const unsafe = (): RetrySafety => "unsafe"
const idempotent = (): RetrySafety => "idempotent"
const safe = (): RetrySafety => "safe"

/** A tool whose schemas are built when they are first used. */
type Declaration<A extends object, AI, R> = Omit<Tool<A, AI, R>, "args" | "result"> & {
  readonly args: () => Schema.Schema<A, AI>
  readonly result: () => Schema.Schema<R, string>
}

const tool = <A extends object, AI, R>({ args, result, ...rest }: Declaration<A, AI, R>): Tool<A, AI, R> =>
  withLazyFields(rest, { args, result })

export {
  /**
   * A language of `run_code`. The schema decodes the aliases `py`, `python3`, `js`, `node` and `nodejs`, in any case, to the
   * canonical name.
   *
   * @since 0.1.0
   * @category models
   */
  Language
} from "./internal/wire/language.js"

export {
  /**
   * An absolute POSIX path without NUL, at most 4096 characters. `..` segments are allowed and resolved in the session.
   *
   * @since 0.1.0
   * @category schemas
   */
  AbsolutePath
} from "./internal/wire/codecs.js"

const milliseconds = Schema.Int.pipe(Schema.between(1, 86_400_000, { description: "from 1 millisecond to 1 day" }))

/**
 * Environment variables of a command, passed literally. Names must not be empty or contain `=` or NUL, values not NUL.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Environment = StringRecord.pipe(
  Schema.filter(
    (envs) => Object.entries(envs).every(([name, value]) => /^[^=\0]+$/.test(name) && !value.includes("\0")),
    { description: "an object of strings without NUL, with non-empty names without =" }
  )
)

const run_code = tool({
  name: "run_code",
  description: "Run code in a kernel that keeps its state between calls",
  server: "wuying_codespace",
  args: () =>
    Schema.Struct({
      code: sourceCode,
      language: Language,
      timeout_s: optional(seconds)
    }),
  result: runCodeText,
  retrySafety: unsafe,
  plain: plainRun
})

const shell = tool({
  name: "shell",
  description: "Run a command line in a fresh shell",
  server: "wuying_shell",
  args: () =>
    Schema.Struct({
      command: wellFormedText.pipe(Schema.filter((command) => command.trim() !== "" && !command.includes("\0"), {
        description: "a non-blank command without NUL"
      })),
      timeout_ms: optional(milliseconds),
      cwd: optional(AbsolutePath),
      envs: optional(Environment)
    }),
  result: () =>
    Schema.parseJson(Schema.Struct({
      stdout: Schema.String,
      stderr: Schema.String,
      exit_code: Schema.Int,
      traceId: optional(Schema.String)
    })),
  retrySafety: unsafe,
  plain: ({ exit_code: code, stderr, stdout }) => {
    const output = stdout + stderr
    if (code === 0) return { text: output, isError: false }
    const prefix = output === "" || output.endsWith("\n") ? output : `${output}\n`
    return { text: `${prefix}The command exited with code ${code}`, isError: true }
  }
})

const fileTool = <A extends object, AI, R>(self: Omit<Declaration<A, AI, R>, "server">) =>
  tool({ ...self, server: "wuying_filesystem" })

const onePath = () => Schema.Struct({ path: AbsolutePath })

const create_directory = fileTool({
  name: "create_directory",
  description: "Create a directory and its parents; one that exists is fine",
  args: onePath,
  result: confirmationText,
  retrySafety: idempotent
})

const delete_file = fileTool({
  name: "delete_file",
  description: "Delete a file",
  args: onePath,
  result: confirmationText,
  retrySafety: idempotent
})

const edit_file = fileTool({
  name: "edit_file",
  description: "Replace texts in a file, all or none; answers a unified diff",
  args: () =>
    Schema.Struct({
      path: AbsolutePath,
      edits: bareOrJsonText(
        Schema.Array(Schema.Struct({
          oldText: wellFormedText.pipe(Schema.filter((text) => text !== "", { description: "a non-empty string" })),
          newText: wellFormedText
        })).pipe(Schema.minItems(1, { description: "at least one edit" }))
      ),
      dryRun: optional(Schema.Boolean)
    }),
  result: confirmationText,
  retrySafety: unsafe
})

const get_file_info = fileTool({
  name: "get_file_info",
  description: "Size, kind, times and owner of a file or directory",
  args: onePath,
  result: fileInfoText,
  retrySafety: safe
})

const list_directory = fileTool({
  name: "list_directory",
  description: "The entries of a directory",
  args: onePath,
  result: directoryText,
  retrySafety: safe
})

const move_file = fileTool({
  name: "move_file",
  description: "Move a file or directory to a path that does not exist",
  args: () => Schema.Struct({ source: AbsolutePath, destination: AbsolutePath }),
  result: confirmationText,
  retrySafety: unsafe
})

const read_file = fileTool({
  name: "read_file",
  description: "Read a file or a range of its bytes",
  args: () =>
    Schema.Struct({
      path: AbsolutePath,
      offset: optional(Schema.NonNegativeInt),
      length: optional(Schema.NonNegativeInt),
      format: optional(Schema.Literal("text", "binary"))
    }),
  result: () => Schema.String,
  retrySafety: safe
})

const read_multiple_files = fileTool({
  name: "read_multiple_files",
  description: "Read several text files",
  args: () => Schema.Struct({ paths: Schema.Array(AbsolutePath) }),
  result: () => Schema.String,
  retrySafety: safe
})

const search_files = fileTool({
  name: "search_files",
  description: "Find files below a directory whose name or relative path matches a glob",
  args: () =>
    Schema.Struct({
      path: AbsolutePath,
      pattern: nonBlank("a non-blank pattern"),
      excludePatterns: optional(Schema.Array(nonBlank("a non-blank pattern")))
    }),
  result: searchText,
  retrySafety: safe
})

const write_file = fileTool({
  name: "write_file",
  description: "Write text to a file",
  args: () =>
    Schema.Struct({
      path: AbsolutePath,
      content: wellFormedText,
      mode: optional(Schema.Literal("overwrite", "append", "create_new"))
    }),
  result: confirmationText,
  retrySafety: ({ mode }) => (mode ?? "overwrite") === "overwrite" ? "idempotent" : "unsafe"
})

/** Each change is reported once, so a repeated call would lose those of a lost reply. */
const get_file_change = fileTool({
  name: "get_file_change",
  description: "What changed below a directory since the previous call",
  args: onePath,
  result: fileChangeText,
  retrySafety: unsafe
})

const get_metrics = tool({
  name: "get_metrics",
  description: "What the session uses of its processors, memory, disk and network",
  server: "wuying_shell",
  args: () => Schema.Struct({}),
  result: metricsText,
  retrySafety: safe
})

export {
  /**
   * Names of the tools that only browser images offer.
   *
   * @since 0.1.0
   * @category tools
   */
  browserTools,
  /**
   * Names of the tools that only desktop images offer.
   *
   * @since 0.1.0
   * @category tools
   */
  desktopTools
} from "./internal/wire/results/imageTools.js"

export {
  /**
   * Entry of a session's tool list by which a server announces its route for the bytes of files: below its endpoint,
   * `/files/<session id>?path=…` reads a file with `GET` and writes one with `PUT`, both with the session's token.
   *
   * @since 0.1.0
   * @category tools
   */
  fileBytesRoute,
  /**
   * Entry of a session's tool list by which a server announces that it can hand over open files of that route to a client that is a
   * process of the same user on the same machine.
   *
   * @since 0.1.0
   * @category tools
   */
  fileHandover
} from "./internal/wire/results/fileTexts.js"

export {
  /**
   * The content of one file, or the reason why it could not be read.
   *
   * @since 0.1.0
   * @category models
   */
  type FileBlock,
  /**
   * Formats the text of `read_multiple_files`: a `path:` line and the content per file, separated by `---` lines.
   *
   * @since 0.1.0
   * @category formats
   */
  writeFileBlocks as fileBlocks
} from "./internal/wire/results/fileTexts.js"

/**
 * All tools by their wire names.
 *
 * @since 0.1.0
 * @category tools
 */
export const tools = {
  /** Runs code in a kernel that keeps its state between calls. */
  run_code,
  /** Runs a command line in a fresh shell. */
  shell,
  /** Creates a directory and its parents; an existing directory is left unchanged. */
  create_directory,
  /** Deletes a file. */
  delete_file,
  /** Applies text replacements to a file, all or none, and returns a unified diff. */
  edit_file,
  /** Returns size, type, times, mode and owner of a file or directory. */
  get_file_info,
  /** Lists a directory. */
  list_directory,
  /** Moves a file or directory to a path that does not exist. */
  move_file,
  /** Reads a file or a byte range of it; with `format: "binary"` the text is base64. */
  read_file,
  /** Reads several text files. */
  read_multiple_files,
  /** Finds files below a directory whose name or relative path matches a glob. */
  search_files,
  /** Writes text to a file. Only mode `overwrite` is idempotent. */
  write_file,
  /** Returns the changes below a directory since the previous call for it. */
  get_file_change,
  /** Returns the CPU, memory, disk and network usage of the session. */
  get_metrics
} as const

/**
 * Type of `tools`.
 *
 * @since 0.1.0
 * @category models
 */
export type Tools = typeof tools

/**
 * Name of a tool.
 *
 * @since 0.1.0
 * @category models
 */
export type ToolName = keyof Tools
