/** What is wrong with the outcome of the jobs, given what their steps have left in the ledger. */
import * as Exit from "effect/Exit"
import { codes, Seen } from "./job.js"

/** The steps that write to the ledger; the others leave their effect in the session, and the job tells it. */
const told = ["slow", "count", "fail", "again"] as const

interface Outcome {
  readonly id: string
  /** Absent if the job has not ended. */
  readonly exit: Exit.Exit<Seen, unknown> | undefined
}

const add = <K, V>(map: Map<K, Array<V>>, key: K, value: V) => map.set(key, [...map.get(key) ?? [], value])

const ofJob = ({ exit, id }: Outcome): ReadonlyArray<string> => {
  if (exit === undefined) return [`${id} has not ended`]
  if (Exit.isFailure(exit)) return [`${id} failed: ${JSON.stringify(exit.cause)}`]
  const expected = new Seen({ text: `${id} ${id}`, exitCodes: codes, stdout: `${id}\n`, runs: "count 1 again 1" })
  const [seen, wanted] = [JSON.stringify(exit.value), JSON.stringify(expected)]
  return seen === wanted ? [] : [`${id} saw ${seen} instead of ${wanted}`]
}

const ofLedger = (ids: ReadonlyArray<string>, ledger: string): ReadonlyArray<string> => {
  const effects = new Map<string, Array<string>>()
  const homes = new Map<string, Array<string>>()
  for (const line of ledger.split("\n").filter((line) => line !== "")) {
    const [id = "", step = "", home = ""] = line.split(" ")
    add(effects, `${id} ${step}`, home)
    add(homes, id, home)
  }
  const wanted = ids.flatMap((id) => told.map((step) => `${id} ${step}`))
  return [
    ...wanted.filter((effect) => !effects.has(effect)).map((effect) => `${effect} had no effect`),
    ...[...effects].filter(([effect]) => !wanted.includes(effect)).map(([effect]) => `${effect} is of no job`),
    ...[...effects].filter(([, all]) => all.length > 1).map(([effect, all]) => `${effect} had ${all.length} effects`),
    ...[...homes].filter(([, all]) => new Set(all).size > 1).map(([id, all]) =>
      `${id} had ${new Set(all).size} sessions`
    )
  ]
}

/** One line for each fault; none if all is well. */
export const faultsOf = (
  outcomes: ReadonlyArray<Outcome>,
  ledger: string,
  sessionsLeft: ReadonlyArray<string>
): ReadonlyArray<string> => [
  ...outcomes.flatMap(ofJob),
  ...ofLedger(outcomes.map(({ id }) => id), ledger),
  ...sessionsLeft.map((sessionId) => `session ${sessionId} is left`)
]
