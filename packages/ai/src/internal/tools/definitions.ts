/**
 * The tools as data: names, descriptions and schemas, from which the tools of every framework are made. Values are checked by the handlers:
 * frameworks end the conversation on parameters that do not decode, while a model corrects what it is told in a result.
 */
import * as Schema from "effect/Schema"
import * as results from "./results.js"

export type Text = Schema.Schema<string>

/** Some models send null for what they leave out. */
export type Optional<A> = Schema.optionalWith<Schema.Schema<A>, { nullable: true }>

/** The JSON Schema is written here, since the derived one has every description twice. */
const optional =
  <A>(schema: Schema.Schema<A>, jsonSchema: { readonly type: string; readonly enum?: Array<string> }) =>
  (description: string): Optional<A> =>
    Schema.optionalWith(schema.annotations({ jsonSchema: { ...jsonSchema, description } }), { nullable: true })

const optionalText = optional(Schema.String, { type: "string" })
const optionalNumber = optional(Schema.Number, { type: "number" })
const optionalFlag = optional(Schema.Boolean, { type: "boolean" })
const optionalLanguage = optional(Schema.String, { type: "string", enum: ["python", "javascript", "java", "r"] })

const text = (description: string): Text => Schema.String.annotations({ description })

const base = "Relative paths start at the working directory of the sandbox, where commands start too."

const file = text(`Path of the file in the sandbox, e.g. /tmp/data.csv or src/main.py. ${base}`)

const directory = text(`Path of the directory in the sandbox, e.g. /tmp or src. ${base}`)

const workingDirectory = optionalText(
  "Where to run it. Default, and start of a relative path: the working directory of the sandbox."
)

const timeout = (otherwise: number) =>
  optionalNumber(`Time limit in seconds, after which it is stopped. Default: ${otherwise}.`)

export const defaultTimeouts = { run_code: 300, shell: 120 } as const

const processId = text("The process_id that start_process returned.")

/** What clients ask people about, and may do twice. */
interface Hints {
  readonly title: string
  readonly isReadOnly: boolean
  readonly isDestructive: boolean
  readonly isIdempotent: boolean
}

const reads = (title: string): Hints => ({ title, isReadOnly: true, isDestructive: false, isIdempotent: true })
const changes = (title: string): Hints => ({ title, isReadOnly: false, isDestructive: true, isIdempotent: false })

const programs = {
  run_code: {
    ...changes("Run code"),
    description:
      "Run code in a sandbox and return what it printed, the value of its last expression and the figures that it displayed. " +
      "Variables, imports and functions are kept between calls of the same language, as in a notebook. If the code raises an exception, " +
      "`error` has the traceback and the state is kept. Files that it writes can be read with read_file.",
    parameters: {
      code: text("The code to run."),
      language: optionalLanguage("Default: python."),
      timeout_seconds: timeout(defaultTimeouts.run_code)
    },
    success: results.RunCodeResult
  },
  shell: {
    ...changes("Run a shell command"),
    description:
      "Run a shell command in the sandbox and return its exit code and output. Each call is a fresh shell: a change of directory " +
      "and variables are not kept, files are. The standard input is empty. For servers and other commands that do not end use start_process.",
    parameters: {
      command: text("The command line, e.g. `ls -la /tmp | head`."),
      working_directory: workingDirectory,
      timeout_seconds: timeout(defaultTimeouts.shell)
    },
    success: results.ShellResult
  }
} as const

const files = {
  read_file: {
    ...reads("Read a file"),
    description:
      "Read a text file of the sandbox, or a part of it by lines; of a long file the beginning is returned with a note on how to " +
      "read on. PNG, JPEG, GIF and WebP files are returned as images.",
    parameters: {
      path: file,
      start_line: optionalNumber("First line to read, from 1. Default: 1."),
      line_count: optionalNumber("How many lines to read at most. Default: as many as fit.")
    },
    success: results.ReadFileResult
  },
  write_file: {
    ...changes("Write a file"),
    description:
      "Write a text file in the sandbox. Missing directories are created, an existing file is replaced. To change a part of a " +
      "file use edit_file.",
    parameters: { path: file, content: text("The whole content of the file.") },
    success: results.WriteFileResult
  },
  edit_file: {
    ...changes("Edit a file"),
    description:
      "Replace a text in a file of the sandbox and return a diff. old_text must occur exactly once, white space included: add " +
      "lines around it until it does, or set replace_all.",
    parameters: {
      path: file,
      old_text: text("The text to replace, exactly as it is in the file."),
      new_text: text("The text to put in its place."),
      replace_all: optionalFlag("Replace every occurrence. Default: false.")
    },
    success: results.EditFileResult
  },
  list_directory: {
    ...reads("List a directory"),
    description:
      "List the names in one directory of the sandbox; those of directories end with a slash. For a whole tree use search with a glob.",
    parameters: { path: directory },
    success: results.ListDirectoryResult
  },
  search: {
    ...reads("Search files"),
    description:
      "Search below a directory of the sandbox. With `pattern`: lines that match a regular expression, as path:line:text. With " +
      "`glob` alone: paths of files whose name matches. With both: lines of those files. .git and node_modules are left out.",
    parameters: {
      path: directory,
      pattern: optionalText("Extended regular expression as of grep -E, e.g. `def \\w+`."),
      glob: optionalText("Pattern of file names, e.g. *.py.")
    },
    success: results.SearchResult
  }
} as const

const processes = {
  start_process: {
    ...changes("Start a process"),
    description:
      "Start a command in the background of the sandbox, e.g. a server, and return at once with its process_id. Read its output " +
      "with read_process, end it with kill_process. It ends at the latest with this conversation.",
    parameters: {
      command: text("The command line."),
      working_directory: workingDirectory
    },
    success: results.ProcessResult
  },
  read_process: {
    ...changes("Read a process"),
    isDestructive: false,
    description:
      "Return what a process of start_process has printed since the last call, and whether it still runs. Waits until it ends, " +
      "until its output matches `wait_for`, or for `wait_seconds`.",
    parameters: {
      process_id: processId,
      wait_seconds: optionalNumber("How long to wait at most, from 0 to 300. Default: 1, or 30 with wait_for."),
      wait_for: optionalText("Text to wait for in the new output, e.g. `listening on`.")
    },
    success: results.ProcessResult
  },
  kill_process: {
    ...changes("End a process"),
    isIdempotent: true,
    description:
      "End a process of start_process with everything that it has started, and return the rest of its output. One that has ended " +
      "is a success.",
    parameters: { process_id: processId },
    success: results.ProcessResult
  }
} as const

export const definitions = { ...programs, ...files, ...processes }

export type Definitions = typeof definitions

export type ToolName = keyof Definitions

/** The parameters of a tool as a handler gets them. */
export type Parameters<Name extends ToolName> = Schema.Struct.Type<Definitions[Name]["parameters"]>

export type Success<Name extends ToolName> = Schema.Schema.Type<Definitions[Name]["success"]>
