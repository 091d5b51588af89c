/** What every backend owes its users. One suite, so that a program that runs on one of them runs on all. */
import * as AgbContract from "@effect-agb/core/AgbContract"
import { describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { withVirtualClock } from "../../support/virtualClock.js"
import type { Backend, Contract, Test } from "./backend.js"
import { badInput } from "./badInput.js"
import { codeContexts } from "./codeContexts.js"
import { filesInShell } from "./filesInShell.js"
import { processes } from "./processes.js"
import { terminals } from "./terminals.js"
import { transfers } from "./transfers.js"

/** The cases that are published for any backend. */
const published: Contract = (test, { crowd, insideOnly = false, languages }) => {
  for (const { group, name, needs, run } of AgbContract.cases({ crowd })) {
    if (insideOnly && (group === "sessions" || group === "contexts")) continue
    if (needs === undefined || languages.includes(needs)) test(name, () => run)
    else test.skip(`${name}: ${needs} is not installed`)
  }
}

/** What happens inside a session, which its isolation could break. */
const inside: ReadonlyArray<Contract> = [published, codeContexts, processes, terminals, filesInShell, transfers]

const whole: ReadonlyArray<Contract> = [...inside, badInput]

const timeout = 180_000

const skip = (title: string) => it.skip(`not run: ${title}`, () => {})

const addAll = (backend: Backend, run: (...args: Parameters<Test>) => void) => {
  const test: Test = Object.assign(run, { skip })
  for (const contract of backend.insideOnly ? inside : whole) contract(test, backend)
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
