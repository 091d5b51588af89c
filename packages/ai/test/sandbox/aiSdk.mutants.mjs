/** What `aiSdk.test.ts` watches over, each broken on purpose. */

const sandbox = "packages/ai/src/internal/sandbox"

const files = "reads and writes files, with parents, and null for what is missing"
const kinds = "tells what is at a path, and deletes files alone"
const commands = "runs commands, whatever their exit code, and stops them on abort"
const processes = "spawns processes with input and output, and kills them more than once"
const tools = "the tools give figures to the model as images"
const resumes = "finds a sandbox again by the name of its harness, until it is destroyed"
const provider = "makes a sandbox of a session, and deletes it, also when the set-up fails or is aborted"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "a missing file is null",
    changes: { [`${sandbox}/promises.ts`]: [["_tag === \"FileNotFoundError\"", "_tag === \"\""]] },
    caughtBy: files
  },
  {
    defence: "parents are created",
    changes: { [`${sandbox}/sandboxFiles.ts`]: [["      yield* createParents(files, absolute)\n", ""]] },
    caughtBy: files
  },
  {
    defence: "the last line is inclusive",
    changes: {
      [`${sandbox}/sandboxFiles.ts`]: [[
        "slice(startLine - 1, endLine)",
        "slice(startLine - 1, endLine && endLine - 1)"
      ]]
    },
    caughtBy: files
  },
  {
    defence: "links are reported as links",
    changes: { [`${sandbox}/sandboxFiles.ts`]: [["if [ -L \"$name\" ]; then type=symlink\n  elif", "if"]] },
    caughtBy: kinds
  },
  {
    defence: "names may contain anything",
    changes: {
      [`${sandbox}/sandboxFiles.ts`]: [["printf '%s:%s/'", "printf '%s:%s\\\\n'"], [
        "stdout.split(\"/\")",
        "stdout.split(\"\\n\")"
      ]]
    },
    caughtBy: kinds
  },
  {
    defence: "any exit code is a result",
    changes: { [`${sandbox}/collect.ts`]: [["{ length: 256 }", "{ length: 1 }"]] },
    caughtBy: commands
  },
  {
    defence: "an abort rejects with its reason",
    changes: { [`${sandbox}/promises.ts`]: [["resume(Effect.fail(signal.reason))", "resume(Effect.interrupt)"]] },
    caughtBy: commands
  },
  {
    defence: "nothing is begun for a signal that was aborted before",
    changes: {
      [`${sandbox}/promises.ts`]: [["  signal?.throwIfAborted()\n", ""], [
        "if (signal.aborted) return abort()",
        "if (signal.aborted) return void setTimeout(abort, 1_000)"
      ]]
    },
    caughtBy: commands
  },
  {
    defence: "an abort kills the process that was spawned",
    changes: { [`${sandbox}/sandboxProcesses.ts`]: [["() => Effect.ignoreLogged(process.stop)", "() => Effect.void"]] },
    caughtBy: processes
  },
  {
    defence: "standard input reaches the process",
    changes: {
      [`${sandbox}/sandboxProcesses.ts`]: [[
        "? \"pipe\" as const : \"ignore\" as const",
        "? \"ignore\" as const : \"ignore\" as const"
      ]]
    },
    caughtBy: processes
  },
  {
    defence: "writing to what takes no input rejects",
    changes: {
      [`${sandbox}/sandboxProcesses.ts`]: [[
        "Effect.catchAll((error) => Effect.promise(() => readable.cancel(error).catch(() => {})))",
        "Effect.catchAll(() => Stream.runDrain(Stream.fromReadableStream(() => readable, (error) => error)))"
      ]]
    },
    caughtBy: processes
  },
  {
    defence: "the model gets figures as images",
    changes: { [`${sandbox}/sdkTools.ts`]: [["    ...images.map(", "    ...[].map("]] },
    caughtBy: tools
  },
  {
    defence: "a session that can be resumed outlives stop",
    changes: {
      [`${sandbox}/provider.ts`]: [[
        "createResumable(params, sessionId, given), true,",
        "createResumable(params, sessionId, given).pipe(Effect.tap(({ session }) => Effect.flatMap(Agb, (agb) => Effect.addFinalizer(() => Effect.ignore(agb.delete(session.sessionId)))))), true,"
      ]]
    },
    caughtBy: resumes
  },
  {
    defence: "it is deleted when it is destroyed",
    changes: {
      [`${sandbox}/provider.ts`]: [["isKept ? promise(Effect.provide(remove, agb)).finally(stop) : stop()", "stop()"]]
    },
    caughtBy: resumes
  },
  {
    defence: "and when its set-up fails",
    changes: { [`${sandbox}/provider.ts`]: [["Effect.ignoreLogged(agb.delete(ref.sessionId))", "Effect.void"]] },
    caughtBy: resumes
  },
  {
    defence: "a set-up that fails leaves no session",
    changes: { [`${sandbox}/provider.ts`]: [["    await dispose()\n    throw", "    throw"]] },
    caughtBy: provider
  },
  {
    defence: "an abort while the session is created rejects with its reason",
    changes: {
      [`${sandbox}/provider.ts`]: [[
        "Cause.isInterrupted(exit.cause) && signal?.aborted === true ? signal.reason : Cause.squash(exit.cause)",
        "Cause.squash(exit.cause)"
      ]]
    },
    caughtBy: provider
  },
  {
    defence: "an aborted call does not end the relative paths of all later ones",
    changes: {
      "packages/ai/src/internal/paths.ts": [[
        "firstSuccess(baseDirectory(command))",
        "Effect.runSync(Effect.cached(baseDirectory(command)))"
      ]]
    },
    caughtBy: "takes relative paths also after a call with one was aborted"
  }
]
