/** One `agb local` with one session for all tests of a file. */
import { assert } from "@effect/vitest"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { agb as anywhere, type Ended, folder, type Running, serve, type Server, start as startAnywhere } from "./agb.js"

export interface Shared {
  readonly server: Server
  readonly session: string
  /** `agb` as a client of the server. */
  readonly agb: (...args: ReadonlyArray<string>) => Promise<Ended>
  readonly start: (...args: ReadonlyArray<string>) => Running
  /** In the folder of the tests. */
  readonly path: (...names: ReadonlyArray<string>) => string
  /** The rows of all sessions but the shared one. */
  readonly others: () => Promise<ReadonlyArray<ReadonlyArray<string>>>
}

/** Until the tests of the file are done. */
export const shareServer = async (): Promise<Shared> => {
  const server = await serve()
  afterAll(async () => {
    assert.strictEqual(await server.stop(), 143)
  })
  const agb = (...args: ReadonlyArray<string>) => anywhere(args, server.env)
  const session = (await agb("create", "--label", "for=tests", "--idle-timeout", "1h")).stdout.trim()
  const rows = async () =>
    (await agb("ls")).stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t"))
  return {
    server,
    session,
    agb,
    start: (...args) => startAnywhere(args, server.env),
    path: (...names) => Path.join(folder, ...names),
    others: async () => (await rows()).filter(([id]) => id !== session)
  }
}
