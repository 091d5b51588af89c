/** What ipykernel gave for the cells of a notebook, kept on disk: it stays the same while the packages and its driver do. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "./compare.js"

export class References {
  readonly #folder: string
  readonly #fixed: ReadonlyArray<string>
  readonly #again: boolean

  constructor(folder: string, fixed: ReadonlyArray<string>, again: boolean) {
    this.#folder = folder
    this.#fixed = fixed
    this.#again = again
    mkdirSync(folder, { recursive: true })
  }

  /** `run` tells repetitions apart. */
  get<E, R>(
    cells: ReadonlyArray<string>,
    run: number,
    outputs: Effect.Effect<ReadonlyArray<Output>, E, R>
  ): Effect.Effect<ReadonlyArray<Output>, E, R> {
    const key = createHash("sha256").update(JSON.stringify([cells, run, this.#fixed])).digest("hex")
    const path = join(this.#folder, `${key}.json`)
    return Effect.suspend(() =>
      existsSync(path) && !this.#again
        ? Effect.succeed(JSON.parse(readFileSync(path, "utf8")) as ReadonlyArray<Output>)
        : Effect.tap(outputs, (found) => Effect.sync(() => writeFileSync(path, JSON.stringify(found))))
    )
  }
}
