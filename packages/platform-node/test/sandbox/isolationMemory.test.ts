import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { beforeAll } from "vitest"
import { reachableByAnyone } from "../../src/internal/sandbox/confine/hostIdentity.js"
import { cgroupParents, findCgroupParent, makeCgroupController } from "../../src/internal/sandbox/memory/cgroup.js"
import { limitInMebibytes, memoryAttacks, type MemoryOutcome } from "../support/attacks/memoryAttacks.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"

const attacker = fileURLToPath(new URL("../support/attacks/memoryAttackAll.mts", import.meta.url))
const canAttack = process.platform === "linux" && Fs.existsSync("/usr/bin/python3")
const isRoot = process.getuid?.() === 0

const attackedAs = async (uid: number | undefined): Promise<ReadonlyArray<MemoryOutcome>> =>
  JSON.parse(
    await outputOf(
      await spawnFixture("../attacks/memoryAttackAll.mts", {
        env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
        ...(uid === undefined ? {} : { uid })
      })
    )
  )

const attackers = [
  { who: "as the user who runs the tests", uid: undefined, canRun: canAttack },
  { who: "as a user without rights", uid: 12_346, canRun: canAttack && isRoot && reachableByAnyone(attacker) }
]

const toldOf = new RegExp(`the memory limit of ${limitInMebibytes} MiB was reached`)

describe.each(attackers)("memory, $who", ({ canRun, uid }) => {
  let outcomes: ReadonlyArray<MemoryOutcome> = []

  beforeAll(async () => {
    if (canRun) outcomes = await attackedAs(uid)
  })

  it.skipIf(!canRun).each(memoryAttacks)("$name", ({ isDropped, mustSurvive, name, needsFiles, needsMemoryFiles }) => {
    const tried = outcomes.filter(({ attack, countsFiles }) => attack === name && (countsFiles || !needsFiles))
    for (const outcome of tried) {
      const what = JSON.stringify(outcome)
      assert.notMatch(outcome.output, /^unstopped$/m, what)
      assert.isAtMost(outcome.taken, 2 * limitInMebibytes, what)
      const told = needsMemoryFiles === true && !outcome.hasMemoryFiles ? /Function not implemented/ : toldOf
      assert.match(outcome.lost ?? outcome.output, isDropped === true ? /^\d+\s*$/ : told, what)
      assert.isTrue(outcome.neighbourAnswers, what)
      if (mustSurvive && outcome.sparesAgent) assert.isTrue(outcome.answersAfterwards, what)
    }
  })

  it.skipIf(!canRun)("was attacked with every keeper there is", () => {
    const keepers = new Set(outcomes.map(({ keeper }) => keeper))
    assert.isTrue(keepers.has("a watchdog in this process"))
    const hasFiles = outcomes.some(({ hasFilesInMemory }) => hasFilesInMemory)
    const isKept = ({ needsFiles, needsKernel }: (typeof memoryAttacks)[number]) =>
      (!needsKernel || keepers.size > 1) && (!needsFiles || hasFiles)
    assert.deepStrictEqual(
      memoryAttacks.filter(isKept).map(({ name }) => name).filter((name) =>
        !outcomes.some(({ attack }) => attack === name)
      ),
      []
    )
  })
})

const place = await Effect.runPromise(findCgroupParent)

describe.skipIf(place === undefined)("control groups", () => {
  it.live("of a host that was killed are swept, and only those", () =>
    Effect.gen(function*() {
      const { directory } = place!
      const keeper = makeCgroupController(place!)
      const hold = Effect.zipRight(keeper.limit(2 ** 26, []), Effect.sync(() => Fs.readdirSync(directory)))
      const names = (yield* Effect.scoped(hold)).filter((name) => name.includes(`-${process.pid}-`))
      yield* keeper.drained
      assert.strictEqual(names.length, 1)
      assert.notInclude(Fs.readdirSync(directory), names[0])
      const [gone, kept] = [`-${2 ** 30}-`, `-${process.pid}-`].map((pid) =>
        Path.join(directory, names[0]!.replace(`-${process.pid}-`, pid))
      )
      for (const group of [gone!, kept!]) Fs.mkdirSync(group)
      yield* keeper.sweep
      yield* keeper.drained
      assert.deepStrictEqual([gone!, kept!].map((group) => Fs.existsSync(group)), [false, true])
      Fs.rmdirSync(kept!)
    }))
})

describe("places for control groups", () => {
  const mount = (type: string, root: string, at: string, options: string) =>
    `30 20 0:25 ${root} ${at} rw,nosuid shared:4 - ${type} ${type} ${options}`

  it("are below the own group of version 1", () =>
    assert.deepStrictEqual(
      cgroupParents(
        "4:memory:/docker/abc/x\n1:cpu:/",
        mount("cgroup", "/docker/abc", "/sys/fs/cgroup/memory", "rw,memory")
      ),
      [{ version: 1, directory: "/sys/fs/cgroup/memory/x" }]
    ))

  it("are below and beside the own group of version 2, and never above the mount", () => {
    const unified = mount("cgroup2", "/", "/sys/fs/cgroup", "rw,nsdelegate")
    assert.deepStrictEqual(
      cgroupParents("0::/user.slice/app.slice/run.scope", unified).map(({ directory }) => directory),
      [
        "/sys/fs/cgroup/user.slice/app.slice/run.scope",
        "/sys/fs/cgroup/user.slice/app.slice"
      ]
    )
    assert.deepStrictEqual(cgroupParents("0::/", unified).map(({ directory }) => directory), ["/sys/fs/cgroup"])
  })

  it("are nowhere without the controller", () =>
    assert.deepStrictEqual(cgroupParents("1:cpu:/", mount("cgroup", "/", "/sys/fs/cgroup/cpu", "rw,cpu")), []))
})
