/** What `platformFiles.test.ts` watches over, each broken on purpose. */

const platform = "packages/core/src/internal/session/platform"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "an open file is known by its inode",
    changes: { [`${platform}/scripts.ts`]: [[" || [ \"$inode\" = \"$2\" ] || fail ESTALE", " || true"]] },
    caughtBy: "an open file is not mistaken for the one that takes its place"
  },
  {
    defence: "a write goes to its position",
    changes: { [`${platform}/scripts.ts`]: [["count=0 seek=\"$at\" conv", "count=0 seek=0 conv"]] },
    caughtBy: "an open file has a position"
  },
  {
    defence: "appending leaves the position",
    changes: {
      [`${platform}/file.ts`]: [[
        "if (!this.#appends) this.#position += BigInt(bytes.length)",
        "this.#position += BigInt(bytes.length)"
      ]]
    },
    caughtBy: "append mode reads at its position and writes at the end"
  },
  {
    defence: "a file is closed with its scope",
    changes: { [`${platform}/file.ts`]: [["!isAllowed || this.#isClosed", "!isAllowed"]] },
    caughtBy: "flags decide what is created, emptied, refused"
  },
  {
    defence: "what the faster route refuses is read by commands",
    changes: { [`${platform}/contents.ts`]: [["isEmpty && isRefused(error) ? parts :", "isEmpty && false ? parts :"]] },
    caughtBy: "files that commands can read are read"
  },
  {
    defence: "a range of it too",
    changes: {
      [`${platform}/contents.ts`]: [["readParts(machine, call, path, range))", "readParts(machine, call, path))"]]
    },
    caughtBy: "files that commands can read are read"
  },
  {
    defence: "unknown flags are refused",
    changes: { [`${platform}/file.ts`]: [["/^(r|[wa]x?)\\+?$/.test(flag)", "flag.length > 0"]] },
    caughtBy: "flags decide what is created, emptied, refused"
  },
  {
    defence: "files whose size is not told are read to their end",
    changes: {
      [`${platform}/contents.ts`]: [["isWhole && isEmpty ? parts : Stream.empty", "Stream.empty"]]
    },
    caughtBy: "wire alone.*streams have ranges and sizes of chunks"
  },
  {
    defence: "chunks of a stream have the size that was asked for",
    changes: { [`${platform}/fileSystem.ts`]: [[".pipe(inPieces(size))", ""]] },
    caughtBy: "streams have ranges and sizes of chunks"
  },
  {
    defence: "large content leaves no temporary file",
    changes: { [`${platform}/scripts.ts`]: [["trap '[ -z \"$staged\" ] || rm -f -- \"$staged\"' EXIT\n", ""]] },
    caughtBy: "large contents go in and out whole, at any position"
  },
  {
    defence: "temporary files are removed with the scope",
    changes: {
      [`${platform}/fileSystem.ts`]: [[
        "Effect.zipRight(Effect.addFinalizer(() => remove), made)",
        "Effect.zipRight(Effect.addFinalizer(() => Effect.as(Effect.void, remove)), made)"
      ]]
    },
    caughtBy: "temporary files and directories end with the scope, and only there"
  },
  {
    defence: "a copy replaces nothing unless it is told to",
    changes: {
      [`${platform}/scripts.ts`]: [["elif [ ! -e \"$to/$file\" ] && [ ! -L \"$to/$file\" ]; then cp", "else cp"]]
    },
    caughtBy: "copies are merged and replace nothing unless they are told to"
  },
  {
    defence: "nothing is moved into a directory",
    changes: {
      [`${platform}/scripts.ts`]: [["  [ -L \"$2\" ] || fail EISDIR\n  rm -f -- \"$2\" || exit 1\nelif", "  :\nelif"]]
    },
    caughtBy: "a rename is that of the system"
  },
  {
    defence: "an error is told by the end of its text, not by a name in it",
    changes: {
      [`${platform}/errors.ts`]: [
        ["leading in codes ? leading", "leading in {} ? leading"],
        ["/is a directory$/i", "/is a directory/i"],
        ["no such file or directory$|", "no such file or directory at all$|"]
      ]
    },
    caughtBy: "names are literal, whatever they contain"
  },
  {
    defence: "relative paths begin at the working directory of the session",
    changes: {
      [`${platform}/paths.ts`]: [["posix.resolve(machine.cwd, ...segments)", "posix.resolve(...segments)"]]
    },
    caughtBy: "relative paths begin where the session works"
  },
  {
    defence: "a watcher looks no deeper than it is asked to",
    changes: { [`${platform}/scripts.ts`]: [["folder=$1 prune=-prune print=", "folder=$1 prune= print="]] },
    caughtBy: "a watcher sees every change, beside other watchers"
  },
  {
    defence: "what says more than its code is told by its text",
    changes: { [`${platform}/errors.ts`]: [["codeOfText(sentence) ??", "codeOfText(sentence && \"\") ??"]] },
    caughtBy: "links, modes and times are what they were made"
  },
  {
    defence: "chunks of no size are refused",
    changes: { [`${platform}/fileSystem.ts`]: [["|| size < 1", "|| size < 0"]] },
    caughtBy: "streams have ranges and sizes of chunks"
  },
  {
    defence: "a length below nothing is nothing",
    changes: { [`${platform}/file.ts`]: [["String(length < 0 ? 0 : length)", "String(length)"]] },
    caughtBy: "an open file has a position"
  },
  {
    defence: "a directory is not moved into itself",
    changes: { [`${platform}/scripts.ts`]: [["  outside \"$1\" \"$2\"\n  if", "  if"]] },
    caughtBy: "a rename is that of the system"
  },
  {
    defence: "a directory is in the way of a new file as a file is",
    changes: {
      [`${platform}/scripts.ts`]: [[
        "    case $2 in *x) exists",
        "    [ ! -d \"$1\" ] || fail EISDIR\n    case $2 in *x) exists"
      ]]
    },
    caughtBy: "flags decide what is created"
  }
]
