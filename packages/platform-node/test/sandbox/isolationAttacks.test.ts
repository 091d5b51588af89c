import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import { reachableByAnyone } from "../../src/internal/sandbox/confine/hostIdentity.js"
import { attackNames, inheritedName, inPython, type Outcome } from "../support/attacks/attacks.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"

const attacker = fileURLToPath(new URL("../support/attacks/attackAll.mts", import.meta.url))
const isRoot = process.getuid?.() === 0
const isLinux = process.platform === "linux"

/** A descriptor far above those that Node closes by itself. */
const inheritedAt = 60
const hostFolder = Fs.mkdtempSync(Path.join(Os.tmpdir(), inheritedName))
const secretFile = "a-file-of-the-host"
Fs.writeFileSync(Path.join(hostFolder, secretFile), secretFile)

interface Report {
  readonly isolations: ReadonlyArray<string>
  readonly outcomes: ReadonlyArray<Outcome>
}

const attackedAs = async (uid: number | undefined): Promise<Report> => {
  const folder = Fs.openSync(hostFolder, "r")
  try {
    const stdio = Array.from({ length: inheritedAt + 1 }, (_, fd) => fd === 0 ? "ignore" : fd < 3 ? "pipe" : "ignore")
    const output = await outputOf(
      await spawnFixture("../attacks/attackAll.mts", {
        env: { AGB_API_KEY: "sk-a-key-that-must-not-get-in", TMPDIR: Os.tmpdir() },
        stdio: [...stdio.slice(0, inheritedAt), folder] as never,
        ...(uid === undefined ? {} : { uid })
      })
    )
    return JSON.parse(output)
  } finally {
    Fs.closeSync(folder)
  }
}

/** Both at once, since each waits a lot. */
const attackers = [
  { who: "as the user who runs the tests", uid: undefined, canRun: isLinux },
  { who: "as a user without rights", uid: 12_345, canRun: isLinux && isRoot && reachableByAnyone(attacker) }
].map((it) => ({ ...it, report: it.canRun ? attackedAs(it.uid) : Promise.resolve(undefined) }))

afterAll(() => Fs.rmSync(hostFolder, { recursive: true }))

describe.each(attackers)("attacks, $who", ({ canRun, report }) => {
  let isolations: ReadonlyArray<string> = []
  let outcomes: ReadonlyArray<Outcome> = []

  beforeAll(async () => {
    const reported = await report
    isolations = reported?.isolations ?? []
    outcomes = reported?.outcomes ?? []
  })

  const cannotTry = (name: string) => !canRun || inPython.has(name) && !Fs.existsSync("/usr/bin/python3")

  it.for(attackNames)("%s", (name, { skip }) => {
    if (cannotTry(name)) skip(canRun ? "needs Python" : "cannot run here")
    const tried = outcomes.filter((outcome) => outcome.attack === name)
    assert.deepStrictEqual(tried.map((outcome) => outcome.isolation), isolations)
    assert.deepStrictEqual(tried.filter((outcome) => outcome.got !== undefined), [])
  })
})
