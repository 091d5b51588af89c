/** The programs of the contract, each with what a session must answer. A backend that runs nothing knows them by their text. */
import type * as AgbTools from "../../AgbTools.js"

interface Raised {
  readonly name: string
  readonly value: string
  readonly traceback: string
}

/** The variables of one kernel. */
type Kernel = Map<string, number>

export interface CodeRun {
  readonly text?: string
  readonly stdout?: string
  readonly stderr?: string
  readonly raised?: { readonly name: string; readonly value: string; readonly traceback: string }
}

export interface CodeProgram {
  readonly language: AgbTools.Language
  readonly code: string
  /** In a kernel with these variables. */
  readonly answer: (kernel: Map<string, number>) => CodeRun | "forever"
}

const program = (
  language: AgbTools.Language,
  code: string,
  answer: CodeRun | "forever" | CodeProgram["answer"]
): CodeProgram => ({
  language,
  code,
  answer: typeof answer === "function" ? answer : () => answer
})

/** What a language must be able to do. */
export interface LanguagePrograms {
  /** Prints `out` and `err`; its last value is 42. */
  readonly prints: CodeProgram
  /** Keeps 41 in a variable. */
  readonly keeps: CodeProgram
  /** One more than what was kept. */
  readonly uses: CodeProgram
  readonly raises: CodeProgram
  readonly raised: { readonly name: string; readonly value: string }
  /** Computes without an end. */
  readonly forever: CodeProgram
  /** Waits for what never comes. */
  readonly waits: CodeProgram
  /** Its last value is `naïve 🎈 日本`, quoted as the language does. */
  readonly unicode: CodeProgram
}

const printed = { text: "42", stdout: "out\n", stderr: "err\n" }

const keep = (kernel: Kernel): CodeRun => {
  kernel.set("kept", 41)
  return {}
}

const kept = (missing: Raised) => (kernel: Kernel): CodeRun => {
  const value = kernel.get("kept")
  return value === undefined ? { raised: missing } : { text: String(value + 1) }
}

const raises = (name: string, value: string): CodeRun => ({ raised: { name, value, traceback: `${name}: ${value}` } })

export const python: LanguagePrograms = {
  prints: program("python", "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7", printed),
  keeps: program("python", "kept = 41", keep),
  uses: program(
    "python",
    "kept + 1",
    kept({ name: "NameError", value: "name 'kept' is not defined", traceback: "NameError" })
  ),
  raises: program("python", "1 / 0", raises("ZeroDivisionError", "division by zero")),
  raised: { name: "ZeroDivisionError", value: "division by zero" },
  forever: program("python", "while True: pass", "forever"),
  waits: program("python", "import time\ntime.sleep(600)", "forever"),
  unicode: program("python", "'naïve 🎈 日本'", { text: "'naïve 🎈 日本'" })
}

export const javascript: LanguagePrograms = {
  prints: program("javascript", "console.log('out'); console.error('err'); 6 * 7", printed),
  keeps: program("javascript", "var kept = 41", keep),
  uses: program(
    "javascript",
    "kept + 1",
    kept({ name: "ReferenceError", value: "kept is not defined", traceback: "ReferenceError" })
  ),
  raises: program("javascript", "throw new TypeError('no good')", raises("TypeError", "no good")),
  raised: { name: "TypeError", value: "no good" },
  forever: program("javascript", "while (true) {}", "forever"),
  waits: program("javascript", "await new Promise(() => {})", "forever"),
  unicode: program("javascript", "'naïve 🎈 日本'", { text: "'naïve 🎈 日本'" })
}

export const rPrograms: LanguagePrograms = {
  prints: program("r", "cat('out\\n'); cat('err\\n', file = stderr()); 6 * 7", { ...printed, text: "[1] 42" }),
  keeps: program("r", "kept <- 41", keep),
  uses: program("r", "kept + 1", kept({ name: "simpleError", value: "object 'kept' not found", traceback: "Error" })),
  raises: program("r", "stop('no good')", raises("simpleError", "no good")),
  raised: { name: "simpleError", value: "no good" },
  forever: program("r", "repeat {}", "forever"),
  waits: program("r", "Sys.sleep(600)", "forever"),
  unicode: program("r", "'naïve 🎈 日本'", { text: "[1] \"naïve 🎈 日本\"" })
}

export const javaPrograms: LanguagePrograms = {
  prints: program("java", "System.out.println(\"out\"); System.err.println(\"err\"); 6 * 7", printed),
  keeps: program("java", "int kept = 41;", keep),
  uses: program(
    "java",
    "kept + 1",
    kept({ name: "CompileError", value: "cannot find symbol", traceback: "CompileError" })
  ),
  raises: program("java", "throw new IllegalStateException(\"no good\");", raises("IllegalStateException", "no good")),
  raised: { name: "IllegalStateException", value: "no good" },
  forever: program("java", "while (true) {}", "forever"),
  waits: program("java", "Thread.sleep(600_000)", "forever"),
  unicode: program("java", "\"naïve 🎈 日本\"", { text: "\"naïve 🎈 日本\"" })
}

export const java = program("java", "6 * 7", { text: "42" })
export const r = program("r", "6 * 7", { text: "[1] 42" })

export const commands = {
  prints: "printf out; printf err >&2",
  fails: "printf out; printf err >&2; exit 3",
  directory: "pwd",
  greets: "printf %s \"$GREETING\"",
  sleeps: "printf begun; sleep 60",
  unicode: "printf 'naïve 🎈 日本'",
  reads: "cat shared.txt",
  writesBytes: "printf '\\377\\000\\001\\r\\n\\200' > bytes"
} as const

/** What `writesBytes` writes: no UTF-8. */
export const bytes = Uint8Array.of(255, 0, 1, 13, 10, 128)
