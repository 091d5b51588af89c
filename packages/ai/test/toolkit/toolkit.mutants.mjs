/** What `toolkit.test.ts` watches over, each broken on purpose. */

const tools = "packages/ai/src/internal/tools"

const code = "code keeps its state, and an exception in it is a result that says so"
const figures = "figures are bytes for programs, and a type and a size for models"
const command = "a command tells its exit code, and what is too long is cut and saved"
const files = "files are written with their directories, read in parts and edited where the text is unique"
const long = "of a long file only what is shown is read, and of what is no text nothing is shown"
const relative = "relative paths start where commands start, for every tool"
const limits = "a time limit that is none is refused by the name that the model knows"
const search = "a search finds lines and names, and takes patterns literally"
const processes = "processes are read where the last reading ended, and killed with their output kept"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a traceback is told once",
    changes: { [`${tools}/codeTools.ts`]: [["stderr: withoutTraceback(stderr, traceback)", "stderr"]] },
    caughtBy: code
  },
  {
    defence: "a model is told whether its variables are still there",
    changes: { [`${tools}/codeTools.ts`]: [["kept ? \"\\nVariables are kept.\"", "kept ? \"\""]] },
    caughtBy: code
  },
  {
    defence: "an invalid argument is a result, not the end of the conversation",
    changes: { [`${tools}/failures.ts`]: [["  InvalidRequestError: \"InvalidArgument\",\n", ""]] },
    caughtBy: code
  },
  {
    defence: "an image is not encoded for a model that reads text",
    changes: {
      [`${tools}/results.ts`]: [[
        "encode: ({ byteLength, mimeType }) => ({ byteLength, mimeType })",
        "encode: (figure) => ({ ...figure, mimeType: `${figure.mimeType};${figure.data}` })"
      ]]
    },
    caughtBy: figures
  },
  {
    defence: "images have a bound in bytes, and what is left out is said",
    changes: { [`${tools}/codeTools.ts`]: [["byteLength <= environment.maxFigureBytes", "byteLength >= 0"]] },
    caughtBy: figures
  },
  {
    defence: "null is taken for a parameter that is left out",
    changes: {
      [`${tools}/definitions.ts`]: [[
        "description } }), { nullable: true })",
        "description } }), { exact: true } as never)"
      ]]
    },
    caughtBy: command
  },
  {
    defence: "an exit code is a result",
    changes: {
      [`${tools}/commandTools.ts`]: [["      CommandExitError: (error) => describe(environment, error),\n", ""]]
    },
    caughtBy: command
  },
  {
    defence: "outputs are bounded",
    changes: { [`${tools}/environment.ts`]: [["text.length <= maxCharacters", "text.length >= 0"]] },
    caughtBy: command
  },
  {
    defence: "what is cut is counted in lines",
    changes: { [`${tools}/bounded.ts`]: [[".replace(/^\\n/, \"\")\n  const lines", "\n  const lines"]] },
    caughtBy: command
  },
  {
    defence: "all of an output that is cut is kept in the session",
    changes: {
      [`${tools}/environment.ts`]: [[
        "yield* files.writeFile(path, text)",
        "yield* files.writeFile(path, text.slice(0, 1_000))"
      ]]
    },
    caughtBy: command
  },
  {
    defence: "of a progress bar the last state is shown, without colours",
    changes: { [`${tools}/bounded.ts`]: [[".split(\"\\n\").map(lastState).join(\"\\n\")", ""]] },
    caughtBy: command
  },
  {
    defence: "missing directories are created",
    changes: {
      [`${tools}/fileTools.ts`]: [["Effect.zipRight(createParents(files, path), write)", "write"]]
    },
    caughtBy: files
  },
  {
    defence: "a text that occurs twice is not replaced once",
    changes: {
      [`${tools}/fileTools.ts`]: [["if (found !== 1 && !(replace_all && found > 1))", "if (found === 0)"], [
        "if (found === 1) {",
        "if (!replace_all) {"
      ]]
    },
    caughtBy: files
  },
  {
    defence: "every occurrence is replaced once, also where the new text contains the old",
    changes: {
      [`${tools}/fileTools.ts`]: [["content.split(old_text).join(new_text)", "content.replace(old_text, new_text)"]]
    },
    caughtBy: files
  },
  {
    defence: "lines before the first are not shown",
    changes: {
      [`${tools}/textLines.ts`]: [["if (this.#line < this.#wanted.startLine) return", "if (this.#line < 1) return"], [
        "if (this.#line >= this.#wanted.startLine) {",
        "if (this.#line >= 1) {"
      ]]
    },
    caughtBy: files
  },
  {
    defence: "a file is shown up to its bound, in whole lines",
    changes: {
      [`${tools}/textLines.ts`]: [["this.#length + line.length > this.#wanted.maxCharacters", "this.#length < 0"]]
    },
    caughtBy: long
  },
  {
    defence: "of a line that is too long only what is shown is kept",
    changes: { [`${tools}/textLines.ts`]: [["this.#partial += piece.slice(0, room)", "this.#partial += piece"]] },
    caughtBy: long
  },
  {
    defence: "what is no text is not shown as text",
    changes: {
      [`${tools}/textLines.ts`]: [["{ fatal: true }", "{}"], ["text.includes(\"\\0\")", "text.includes(\"\\0\\0\")"]]
    },
    caughtBy: long
  },
  {
    defence: "patterns of a search are passed literally",
    changes: { [`${tools}/commandTools.ts`]: [["-e \"$AGB_PATTERN\"", "-e $AGB_PATTERN"]] },
    caughtBy: search
  },
  {
    defence: "a search that failed is no search without matches",
    changes: { [`${tools}/commandTools.ts`]: [["stdout === \"\" && stderr !== \"\"", "stdout === null"]] },
    caughtBy: search
  },
  {
    defence: "matches have a bound, and what is left out is said",
    changes: {
      [`${tools}/commandTools.ts`]: [[
        "if (matches.length <= max) return { matches }",
        "if (matches.length >= 0) return { matches }"
      ]]
    },
    caughtBy: search
  },
  {
    defence: "a process is read on where the last reading ended",
    changes: { [`${tools}/processTools.ts`]: [["    this.#cursor = cursor\n", ""]] },
    caughtBy: processes
  },
  {
    defence: "what does not fit waits for the next reading",
    changes: {
      [`${tools}/processTools.ts`]: [["this.#unread = this.#unread.slice(text.length)", "this.#unread = \"\""]]
    },
    caughtBy: processes
  },
  {
    defence: "a reading ends when the text is there",
    changes: {
      [`${tools}/processTools.ts`]: [["wait_for !== undefined && unread.includes(wait_for)", "wait_for === \"\""]]
    },
    caughtBy: processes
  },
  {
    defence: "paths of files are relative to where commands start",
    changes: {
      [`${tools}/fileTools.ts`]: [[
        "const path = yield* resolve(given)\n    const write",
        "const path = given\n    const write"
      ]]
    },
    caughtBy: relative
  },
  {
    defence: "directories of commands are relative to where commands start",
    changes: {
      [`${tools}/environment.ts`]: [[
        "path === undefined ? Effect.succeed(undefined) : resolve(path)",
        "Effect.succeed(path)"
      ]]
    },
    caughtBy: relative
  },
  {
    defence: "a tilde is the home directory",
    changes: { "packages/ai/src/internal/paths.ts": [["/^~(\\/|$)/.test(path)", "path === \"\""]] },
    caughtBy: relative
  },
  {
    defence: "a time limit that is none is refused by the name that the model knows",
    changes: { [`${tools}/environment.ts`]: [["seconds > 0 && seconds <= longestSeconds", "seconds !== 0"]] },
    caughtBy: limits
  }
]
