import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import { beforeAll } from "vitest"
import { reachableByAnyone } from "../../src/internal/sandbox/confine/hostIdentity.js"
import { systemCallFilter } from "../../src/internal/sandbox/confine/seccomp.js"
import { probe } from "../../src/Isolation.js"
import { landlockAttackNames, type LandlockOutcome } from "../support/attacks/landlockAttacks.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"

const found = await Effect.runPromise(Effect.either(probe("landlock")))
const isHere = found._tag === "Right" && Fs.existsSync("/usr/bin/python3")
const attacker = fileURLToPath(new URL("../support/attacks/landlockAttackAll.mts", import.meta.url))

const attackedAs = async (uid: number | undefined): Promise<LandlockOutcome> =>
  JSON.parse(
    await outputOf(
      await spawnFixture("../attacks/landlockAttackAll.mts", {
        env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
        ...(uid === undefined ? {} : { uid })
      })
    )
  )

const attackers = [
  { who: "as the user who runs the tests", uid: undefined, canRun: isHere },
  {
    who: "as a user without rights",
    uid: 12_347,
    canRun: isHere && process.getuid?.() === 0 && reachableByAnyone(attacker)
  }
]

describe.each(attackers)("landlock, $who", ({ canRun, uid }) => {
  let outcome: LandlockOutcome = { succeeded: {}, untouched: false, works: "", beside: { said: "", isFew: false } }

  beforeAll(async () => {
    if (canRun) outcome = await attackedAs(uid)
  })

  it.skipIf(!canRun).each(landlockAttackNames)("keeps from %s", (name) => {
    assert.deepStrictEqual(outcome.succeeded[name], [])
    assert.isTrue(outcome.untouched)
  })

  it.skipIf(!canRun)("lets a session do its work", () => assert.strictEqual(outcome.works, "a shut 42 signals"))

  it.skipIf(!canRun)(
    "lets a session start processes beside two that take all they may",
    () => assert.deepStrictEqual(outcome.beside, { said: "well", isFew: true })
  )
})

describe("landlock", () => {
  it("states what it does not stop, or why it cannot be had", () =>
    found._tag === "Right"
      ? assert.isTrue(found.right.doesNotStop.some((gap) => gap.includes("filling the disk")))
      : assert.match(found.left.message, /isolation: "landlock".*Landlock/))

  it("has a filter under which no socket can be made", () =>
    assert.notDeepEqual(
      systemCallFilter("x64", { sockets: false, others: true })?.program,
      systemCallFilter("x64")?.program
    ))
})
