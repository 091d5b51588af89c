/** Running a short program in a sandbox to see whether that works here. */
import * as Effect from "effect/Effect"
import type { Launch } from "./sandboxLaunch.js"
import { destroyPipes, killGroup, lastWords, spawnLaunch } from "./sandboxSpawn.js"

/** `complaint` is undefined where the program ran and exited with 0. */
export interface Trial {
  readonly complaint: string | undefined
}

const patience = 10_000

/** Never takes longer than ten seconds, and an interruption kills what was started. */
export const trial = (launch: Launch): Effect.Effect<Trial> =>
  Effect.async<Trial>((resume) => {
    const child = spawnLaunch(launch)
    const words = lastWords(child)
    const end = (fallback: string | undefined) => {
      clearTimeout(timer)
      killGroup(child)
      destroyPipes(child)
      resume(Effect.succeed({ complaint: fallback === undefined ? undefined : words() || fallback }))
    }
    const timer = setTimeout(() => end("it did not end in time"), patience)
    child.stdout?.resume()
    child.on("error", (error) => end(error.message))
    child.on("close", (code, signal) => end(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`))
    return Effect.sync(() => end("interrupted"))
  }).pipe(
    Effect.catchAllDefect((defect) => Effect.succeed({ complaint: String(defect) }))
  )
