/** What every backend owes its users. One suite, so that a program that runs on one of them runs on all. */
import * as AgbContract from "@effect-agb/core/AgbContract"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { withVirtualClock } from "../../support/virtualClock.js"
import type { Backend, Contract, Test } from "./backend.js"
import { badInput } from "./badInput.js"

/** What is not tried again in every isolation: it does not happen inside a session, or it starts slowly and meets nothing new. */
const isOutside = ({ group, name, needs }: AgbContract.Case): boolean =>
  group === "sessions" || group === "contexts" || group === "codeContexts" && needs === "java" ||
  name.startsWith("1300000 bytes")

/** The cases that are published for any backend. */
const published: Contract = (test, { clock, crowd, insideOnly = false, languages }) => {
  const trees = Number(process.env["AGB_TREES"] ?? 2)
  const shell = clock === "live"
  for (const one of AgbContract.cases({ crowd, languages, shell, fileSystem: NodeFileSystem.layer, trees })) {
    if (insideOnly && isOutside(one)) continue
    if (one.missing === undefined) test(one.name, () => one.run)
    else test.skip(`${one.name}: needs ${one.missing}`)
  }
}

const timeout = 180_000

const skip = (title: string) => it.skip(`not run: ${title}`, () => {})

const addAll = (backend: Backend, run: (...args: Parameters<Test>) => void) => {
  const test: Test = Object.assign(run, { skip })
  for (const contract of backend.insideOnly ? [published] : [published, badInput]) contract(test, backend)
}

/** Sessions are independent of each other, and so are the tests that wait for real ones. */
const live = { timeout, concurrent: true }

/** Every test has a server of its own and time of its own. */
const virtualSuite = (name: string, backend: Backend) =>
  describe(name, () =>
    addAll(backend, (title, body) =>
      it.live(
        title,
        () => body().pipe(Effect.scoped, Effect.provide(backend.layer), withVirtualClock),
        timeout
      )))

const liveSuite = (name: string, backend: Backend) =>
  layer(backend.layer, { excludeTestServices: true, timeout })(
    name,
    (it) => addAll(backend, (title, body) => it.scoped(title, body, live))
  )

export const sessionSuite = (name: string, backend: Backend): void => {
  if (backend.clock === "virtual") virtualSuite(name, backend)
  else liveSuite(name, backend)
}
