import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { diagnose } from "../../src/internal/sandbox/confine/diagnosis.js"
import { countsProcessesPerUser, reachableByAnyone } from "../../src/internal/sandbox/confine/hostIdentity.js"
import { describeLanguages, missing, nodeOnly } from "../../src/internal/sandbox/confine/interpreters.js"
import { systemCallFilter } from "../../src/internal/sandbox/confine/seccomp.js"
import { findInterpreters } from "../../src/internal/sandbox/languages/interpreterSearch.js"
import * as Isolation from "../../src/Isolation.js"
import { outputOf, spawnFixture } from "../support/processes/children.js"

const refusalOf = (request: Isolation.IsolationRequest) =>
  Effect.match(Isolation.probe(request), { onFailure: ({ message }) => message, onSuccess: () => "nothing is refused" })

describe("Isolation", () => {
  it.effect("is never none unless asked for in words", () =>
    Effect.gen(function*() {
      const asked = yield* Isolation.probe("none")
      assert.strictEqual(asked.level, "none")
      assert.isNotEmpty(asked.doesNotStop)
      const chosen = yield* Effect.either(Isolation.probe("auto"))
      if (chosen._tag === "Right") assert.include(["namespaces", "landlock"], chosen.right.level)
      else assert.match(chosen.left.message, /isolation: "none"/)
    }))

  it.scoped("refuses another system at every level, and says where to run it", () =>
    Effect.gen(function*() {
      const { platform } = process
      yield* Effect.acquireRelease(
        Effect.sync(() => Object.defineProperty(process, "platform", { value: "darwin" })),
        () => Effect.sync(() => Object.defineProperty(process, "platform", { value: platform }))
      )
      for (const request of ["auto", "namespaces", "landlock", "none"] as const) {
        const error = yield* Effect.flip(Isolation.probe(request))
        assert.match(error.message, /needs Linux, and this machine runs darwin\. Run it in a Linux container/)
      }
    }))

  it.scoped.each([["bun", "Bun 1.2.3"], ["deno", "Deno 1.2.3"]] as const)(
    "refuses %s at every level, and says what to do instead",
    ([name, title]) =>
      Effect.gen(function*() {
        yield* Effect.acquireRelease(
          Effect.sync(() => Object.defineProperty(process.versions, name, { value: "1.2.3", configurable: true })),
          () => Effect.sync(() => Reflect.deleteProperty(process.versions, name))
        )
        for (const request of ["auto", "namespaces", "landlock", "none"] as const) {
          const message = yield* refusalOf(request)
          assert.include(
            message,
            `the local runtime needs Node, and this program runs on ${title}. Run this program with Node`
          )
        }
      })
  )

  const limitOpenFiles = (soft: string) =>
    Effect.sync(() => execFileSync("prlimit", ["--pid", `${process.pid}`, `--nofile=${soft}:`]))

  it.scoped("refuses to start where too few files can be open, instead of taking a lower level", () =>
    Effect.gen(function*() {
      const fields = ["--pid", `${process.pid}`, "--nofile", "--raw", "--noheadings", "--output", "SOFT"]
      const before = execFileSync("prlimit", fields, { encoding: "utf8" }).trim()
      yield* Effect.acquireRelease(limitOpenFiles("200"), () => limitOpenFiles(before))
      for (const request of ["auto", "none"] as const) {
        const message = yield* refusalOf(request)
        assert.match(message, /needs 256 open files at a time, and this process may have 200\. Raise the limit/)
      }
    }))

  const complaints: ReadonlyArray<readonly [string | undefined, RegExp]> = [
    [undefined, /not installed.*apt-get install bubblewrap/],
    ["bwrap: No permissions to create new namespace, likely because …", /not permitted.*Docker.*seccomp=unconfined/],
    ["unshare: unshare failed: Operation not permitted", /not permitted.*Docker.*seccomp=unconfined/],
    ["bwrap: setting up uid map: Permission denied", /AppArmor.*apparmor_restrict_unprivileged_userns/],
    ["bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", /AppArmor/],
    ["unshare: write failed /proc/self/uid_map: Operation not permitted", /AppArmor/],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /masked.*systempaths=unconfined/],
    ["mount: /mnt/proc: permission denied.", /masked.*systempaths=unconfined/],
    ["bwrap: Creating new namespace failed: … exceeded (ENOSPC)", /switched off.*max_user_namespaces/],
    ["bwrap: Unknown option --size", /too old.*bubblewrap 0\.7/],
    ["something new", /something new.*isolation: "none"/]
  ]

  it.each(complaints)("explains %s", (complaint, expected) => {
    const error = new Isolation.SandboxUnavailableError({ requested: "auto", ...diagnose(complaint) })
    assert.match(error.message, expected)
    assert.match(error.message, /requesting it explicitly: isolation: "none"\.$/)
  })

  const canUnshare = (() => {
    try {
      execFileSync("unshare", ["--user", "--map-root-user", "true"], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })()

  const withoutNamespaces = async (request: string) => {
    const off = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\""
    return outputOf(
      await spawnFixture("probe.mts", {
        args: [request],
        under: ["unshare", "--user", "--map-root-user", "setpriv", "--bounding-set=-all", "sh", "-c", off, "sh"]
      })
    )
  }

  it.skipIf(!canUnshare)("says so where user namespaces are switched off", async () => {
    assert.match(await withoutNamespaces("namespaces"), /^SandboxUnavailableError: .*(switched off|not permitted)/)
  })

  it.skipIf(!canUnshare)("takes Landlock there when the best is asked for, or says the same", async () => {
    const landlock = await Effect.runPromise(Effect.either(Isolation.probe("landlock")))
    const expected = landlock._tag === "Right"
      ? /^works: landlock$/
      : /^SandboxUnavailableError: .*(switched|permitted)/
    assert.match(await withoutNamespaces("auto"), expected)
  })
})

describe("Interpreters", () => {
  it("are described in one line", () => {
    assert.strictEqual(
      describeLanguages({
        ...nodeOnly,
        python: { _tag: "Available", path: "/usr/bin/python3", version: "3.11.2", folders: [] },
        java: { _tag: "Available", path: "/usr/bin/java", version: "17.0.15", folders: [] },
        r: missing("r", "not found")
      }),
      `Python 3.11.2, JavaScript (Node ${process.versions.node}), Java 17; R not found: install R (Debian: r-base-core)`
    )
  })

  it.effect(
    "are found with absolute paths, and confined ones where the sandbox can come to them",
    () =>
      Effect.gen(function*() {
        for (const isolation of [...(yield* Isolation.probeAll), yield* Isolation.probe("none")]) {
          const { confinement } = isolation
          const found = Object.values(yield* findInterpreters(confinement))
          for (const it of found) {
            if (it._tag === "Missing") continue
            assert.match(it.path, /^\//)
            if (confinement._tag !== "Unconfined" && confinement.entry === "dropped") {
              assert.isTrue([it.path, ...it.folders].every(reachableByAnyone))
            }
          }
        }
      })
  )

  it.scoped.skipIf(process.platform !== "linux")(
    "that are chosen by a script are asked for again by each server of a process",
    () =>
      Effect.gen(function*() {
        const { PATH: path } = process.env
        const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "agb-python-"))
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            process.env.PATH = path
            Fs.rmSync(folder, { recursive: true })
          })
        )
        const [program, chosen] = [Path.join(folder, "python3"), Path.join(folder, "version")]
        const script = `#!/bin/sh\nprintf '%s\\n' ${program} /usr /usr $(cat ${chosen})`
        Fs.writeFileSync(program, script, { mode: 0o755 })
        process.env.PATH = `${folder}:${path}`
        const { confinement } = yield* Isolation.probe("none")
        for (const version of ["3.9.1", "3.10.12"]) {
          Fs.writeFileSync(chosen, version)
          const { python } = yield* findInterpreters(confinement)
          assert.include({ ...python }, { path: program, version })
        }
      })
  )
})

describe("countsAllProcesses", () => {
  it.each(
    [["4.18.0-553.el8", true], ["5.4.0-150-generic", true], ["5.14.0", false], ["6.1.0-18-amd64", false]] as const
  )(
    "%s",
    (release, expected) => assert.strictEqual(countsProcessesPerUser(release), expected)
  )
})

describe("System call filter", () => {
  const numbers = {
    x64: {
      audit: 0xc000003e,
      read: 0,
      clone: 56,
      clone3: 435,
      socket: 41,
      ioctl: 16,
      ptrace: 101,
      mount: 165,
      unshare: 272,
      shmget: 29,
      shmat: 30,
      prlimit64: 302,
      setpriority: 141
    },
    arm64: {
      audit: 0xc00000b7,
      read: 63,
      clone: 220,
      clone3: 435,
      socket: 198,
      ioctl: 29,
      ptrace: 117,
      mount: 40,
      unshare: 97,
      shmget: 194,
      shmat: 196,
      prlimit64: 261,
      setpriority: 140
    }
  }

  /** Runs the program as the kernel would, on the words of `struct seccomp_data`. */
  const verdict = (program: Buffer, call: number, audit: number, args: ReadonlyArray<number> = []): number => {
    const data = Buffer.alloc(64)
    data.writeUInt32LE(call >>> 0, 0)
    data.writeUInt32LE(audit >>> 0, 4)
    args.forEach((arg, index) => data.writeUInt32LE(arg >>> 0, 16 + 8 * index))
    let accumulator = 0
    for (let at = 0; at < program.length / 8; at++) {
      const [code, operand] = [program.readUInt16LE(8 * at), program.readUInt32LE(8 * at + 4)]
      if (code === 0x06) return operand
      if (code === 0x20) accumulator = data.readUInt32LE(operand)
      else {
        const isTrue = code === 0x15
          ? accumulator === operand
          : code === 0x35
          ? accumulator >= operand
          : (accumulator & operand) !== 0
        at += program.readUInt8(8 * at + (isTrue ? 2 : 3))
      }
    }
    throw new Error("the program has no end")
  }

  const allowed = 0x7fff0000
  const refused = 0x00050001
  const unknown = 0x00050026

  it.each(["x64", "arm64"] as const)("on %s refuses what escapes are made of and nothing usual", (arch) => {
    const filter = systemCallFilter(arch)!.program
    const n = numbers[arch]
    const on = (call: number, ...args: ReadonlyArray<number>) => verdict(filter, call, n.audit, args)
    assert.deepStrictEqual([on(n.read), on(n.clone, 0x11), on(n.ioctl, 0, 0x5401)], [allowed, allowed, allowed])
    assert.deepStrictEqual([1, 2, 10, 16].map((family) => on(n.socket, family)), [allowed, allowed, allowed, allowed])
    assert.deepStrictEqual([on(n.ptrace), on(n.mount), on(n.unshare), on(425)], [refused, refused, refused, refused])
    assert.deepStrictEqual([on(n.clone, 0x10000011), on(n.ioctl, 0, 0x5412), on(n.ioctl, 0, 0x541c)], [
      refused,
      refused,
      refused
    ])
    assert.strictEqual(on(n.clone3), unknown)
    assert.deepStrictEqual([38, 40, 17].map((family) => on(n.socket, family)), [0x00050061, 0x00050061, 0x00050061])
    assert.deepStrictEqual([on(n.shmget, 0, 56), on(n.shmget, 0, 65_536), on(n.shmget, 0, 65_537)], [
      allowed,
      allowed,
      0x00050016
    ])
    assert.strictEqual(verdict(filter, n.read, 0x40000003), 0x80000000)
    if (arch === "x64") assert.strictEqual(on(0x40000000 + n.mount), unknown)
  })

  it.each([["x64", 319], ["arm64", 279]] as const)(
    "on %s has no memory files where nobody could see them",
    (arch, call) => {
      const verdicts = [true, false].map((memoryFiles) =>
        verdict(systemCallFilter(arch, { memoryFiles })!.program, call, numbers[arch].audit, [])
      )
      assert.deepStrictEqual(verdicts, [allowed, unknown])
    }
  )

  it.each(["x64", "arm64"] as const)("on %s leaves others alone where no namespace keeps them apart", (arch) => {
    const n = numbers[arch]
    const on = (others: boolean) => (call: number, ...args: ReadonlyArray<number>) =>
      verdict(systemCallFilter(arch, { sockets: true, others })!.program, call, n.audit, args)
    const calls = [[n.shmat], [n.shmget, 0, 56], [n.prlimit64, 77], [n.setpriority, 0, 77], [
      n.setpriority,
      2,
      0
    ]] as const
    assert.deepStrictEqual(calls.map(([call, ...args]) => on(true)(call, ...args)), calls.map(() => allowed))
    assert.deepStrictEqual(calls.map(([call, ...args]) => on(false)(call, ...args)), calls.map(() => refused))
    assert.deepStrictEqual([on(false)(n.prlimit64, 0), on(false)(n.setpriority, 0, 0), on(false)(n.read)], [
      allowed,
      allowed,
      allowed
    ])
  })

  it("is not made up for other processors", () => assert.isUndefined(systemCallFilter("riscv64")))
})
