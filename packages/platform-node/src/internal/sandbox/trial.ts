/** Runs a short program in a sandbox, to find out whether that works on this machine. */
import * as Effect from "effect/Effect"
import { findAgent } from "./confine/agentFolder.js"
import type { Confined } from "./confine/candidates.js"
import type { Interpreters } from "./confine/interpreters.js"
import { confinedLaunch } from "./confine/launchSpec.js"
import { defaultLimits } from "./confine/rootfs.js"
import { collectStderr, destroyPipes, killNamespace, leaderOf, spawnDirectly } from "./process/kill.js"
import type { Launch } from "./process/launch.js"

const timeoutMs = 10_000

/** Reports success and waits to be killed: bubblewrap leaves a zombie to process 1 when its program exits by itself. */
const reporting = (program: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...["/bin/sh", "-c", "\"$@\" >/dev/null && echo works && exec cat", "sh"],
  ...program
]

const failureOf = (launch: Launch): Effect.Effect<string | undefined> =>
  Effect.async<string | undefined>((resume) => {
    const child = spawnDirectly(launch)
    const stderr = collectStderr(child)
    const end = (failure: string | undefined) => {
      clearTimeout(timer)
      killNamespace(leaderOf(child))
      destroyPipes(child)
      resume(Effect.succeed(failure))
    }
    const timer = setTimeout(() => end("it did not end in time"), timeoutMs)
    child.stdout?.once("data", () => end(undefined))
    child.on("error", (error) => end(error.message))
    child.on("close", (code, signal) => end(stderr() || `it ended with ${signal ?? `exit code ${code}`}`))
    return Effect.sync(() => end(undefined))
  })

/**
 * Runs `program` in a sandbox built exactly as a session's is, for ten seconds at most. Succeeds with undefined where it
 * exits with 0, otherwise with what the sandbox tool or the program printed.
 */
export const trial = (
  how: Confined,
  interpreters: Interpreters,
  program: ReadonlyArray<string>
): Effect.Effect<string | undefined> =>
  findAgent().pipe(
    Effect.flatMap(({ file }) =>
      confinedLaunch(how, { agent: file, interpreters, limits: defaultLimits, network: "none" }, reporting(program))
    ),
    Effect.flatMap(failureOf),
    Effect.catchTag("AgentMissingError", ({ message }) => Effect.succeed(message)),
    Effect.catchAllDefect((defect) => Effect.succeed(String(defect)))
  )
