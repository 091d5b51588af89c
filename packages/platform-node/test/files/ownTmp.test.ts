/** Paths below `/tmp` mean the same directory of the session to every operation, also where it has no root directory of its own. */
import { Session, SessionPlatform, Transfer } from "@effect-agb/core"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Platform from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Fs from "node:fs"
import { layerWith, runtimes } from "../support/runtime.js"

const folder = `/tmp/own-tmp-test-${process.pid}`

const withLocal = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => Fs.mkdtempSync("/var/tmp/agb-own-tmp-")),
    use,
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
  )

/** What each way of working with files finds. */
const observe = (session: Session.Session) =>
  Effect.gen(function*() {
    const { command, fileSystem } = session
    yield* fileSystem.createDirectory(folder)
    yield* fileSystem.writeFile(`${folder}/one`, "1")
    yield* fileSystem.copy(`${folder}/one`, `//tmp/${folder.slice(5)}/two`)
    const copied = yield* fileSystem.readFile(`${folder}/two`)
    const listed = yield* Effect.flatMap(Platform.FileSystem, (files) =>
      files.rename(`${folder}/two`, `${folder}/three`).pipe(
        Effect.zipRight(files.chmod(`${folder}/three`, 0o600)),
        Effect.zipRight(files.readDirectory(folder))
      )).pipe(Effect.provide(yield* SessionPlatform.make(session)))
    const down = yield* withLocal((local) =>
      Effect.gen(function*() {
        Fs.mkdirSync(`${local}/up/inner`, { recursive: true })
        Fs.writeFileSync(`${local}/up/inner/file`, "up")
        yield* Stream.runDrain(Transfer.upload(`${local}/up`, `${folder}/up`))
        yield* Stream.runDrain(Transfer.download(`${folder}/up`, `${local}/down`))
        return Fs.readFileSync(`${local}/down/inner/file`, "utf8")
      })
    ).pipe(Effect.provideService(Session.Session, session), Effect.provide(NodeFileSystem.layer))
    const inTmp = yield* command.executeCommand(`cd "\${TMPDIR:-/tmp}/${folder.slice(5)}" && find . -type f | sort`)
    const isOnMachine = Fs.existsSync(folder)
    // What a program is told of its own directories is left as it is.
    const { stdout: home } = yield* command.executeCommand("mkdir own; touch own/kept; printf %s \"$PWD\"")
    yield* fileSystem.copy(`${home}/own/kept`, `${home}/own/copied`)
    const own = yield* fileSystem.listDirectory(`${home}/own`)
    // A directory of the same name on this machine.
    Fs.mkdirSync(folder)
    yield* fileSystem.remove(folder, { recursive: true })
    return {
      copied,
      listed: [...listed].sort(),
      down,
      inTmp: inTmp.stdout,
      isOnMachine,
      own: own.map(({ name }) =>
        name
      ).sort(),
      isRemoved: !(yield* fileSystem.exists(folder)),
      isMachineKept: Fs.existsSync(folder)
    }
  })

describe.each(runtimes)("$name", ({ isolation }) => {
  it.live("a path below /tmp is the same for tools, scripts, transfers and the platform, and not that of the machine", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId: "agb-code-space-1" })
      const found = yield* Effect.catchAll(
        Effect.scoped(observe(session)),
        (error) => Effect.succeed(String(error))
      )
      assert.deepStrictEqual(found, {
        copied: "1",
        listed: ["one", "three"],
        down: "up",
        inTmp: "./one\n./three\n./up/inner/file\n",
        isOnMachine: false,
        own: ["copied", "kept"],
        isRemoved: true,
        isMachineKept: true
      })
    }).pipe(
      Effect.ensuring(Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))),
      Effect.scoped,
      Effect.provide(layerWith(isolation))
    ))
})
