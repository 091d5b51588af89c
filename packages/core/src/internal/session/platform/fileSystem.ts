/** The platform's `FileSystem` over a session. */
import type { PlatformError } from "@effect/platform/Error"
import * as Platform from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { finish } from "../../client/finalizers.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import { concat } from "../../wire/text/bytes.js"
import { joined } from "../files/pieces.js"
import { badArgument } from "../platformError.js"
import * as contents from "./contents.js"
import { failed } from "./errors.js"
import * as files from "./file.js"
import * as fileInfo from "./fileInfo.js"
import { absolute, located, type Machine, newName, run } from "./machine.js"
import * as scripts from "./scripts.js"
import { watch } from "./watch.js"

/** How long a finalizer waits until a temporary file is removed. */
const longestRelease = "10 seconds"

const yes = (flag: boolean | undefined): string => flag === true ? "yes" : ""

const withoutSlashes = (path: string): string => path.replace(/(?!^)\/+$/, "")

const refused = (method: string, description: string) =>
  Effect.fail(badArgument({ module: "FileSystem", method, description }))

/** A number as it is written in a script. */
const checked = (method: string, name: string, value: number, least: number): Effect.Effect<number, PlatformError> =>
  Number.isSafeInteger(value) && value >= least && value < 2 ** 32
    ? Effect.succeed(value)
    : refused(method, `${name}: expected an integer from ${least} to 4294967295, given ${value}`)

const secondsOf = (time: Date | number): number => typeof time === "number" ? time : time.getTime() / 1000

/** Not in exponential notation, which `touch` does not read. */
const timeText = (seconds: number): string => seconds.toFixed(6)

/** A method on a path that needs one script. */
const script = (
  machine: Machine,
  method: string,
  syscall: string,
  path: string,
  text: string,
  args: ReadonlyArray<string>,
  retrySafety: RetrySafety
) => run(machine, { method, syscall, path }, text, [absolute(machine, path), ...args], retrySafety)

/** A method on two paths. */
const scriptOnTwo = (
  machine: Machine,
  method: string,
  syscall: string,
  [path, destination]: readonly [string, string],
  text: string,
  args: ReadonlyArray<string> = []
) => {
  const paths = [path, destination].map((given) => absolute(machine, withoutSlashes(given)))
  return Effect.asVoid(
    run(machine, { method, syscall, path, destination }, text, [...paths, ...args], "unsafe", [1, 2])
  )
}

const attributes = (machine: Machine): Pick<Platform.FileSystem, "access" | "chmod" | "chown" | "stat" | "utimes"> => ({
  access: (path, { readable, writable } = {}) =>
    Effect.asVoid(
      script(machine, "access", "access", path, scripts.access, [yes(readable), yes(writable)], "safe")
    ),
  chmod: (path, mode) =>
    Effect.flatMap(checked("chmod", "mode", mode, 0), () => {
      const bits = files.octal(mode).padStart(5, "0")
      return Effect.asVoid(script(machine, "chmod", "chmod", path, scripts.chmod, [bits], "idempotent"))
    }),
  chown: (path, uid, gid) =>
    Effect.flatMap(Effect.all([checked("chown", "uid", uid, -1), checked("chown", "gid", gid, -1)]), (ids) => {
      const owner = ids.map((id) => id === -1 ? "" : String(id)).join(":")
      return Effect.asVoid(script(machine, "chown", "chown", path, scripts.chown, [owner], "idempotent"))
    }),
  stat: (path) => fileInfo.stat(machine, { method: "stat", syscall: "stat", path }, absolute(machine, path), ""),
  utimes: (path, atime, mtime) => {
    const times = [atime, mtime].map(secondsOf)
    return times.every((time) => Math.abs(time) < 1e12)
      ? Effect.asVoid(
        script(machine, "utimes", "utime", path, scripts.utimes, times.map(timeText), "idempotent")
      )
      : refused("utimes", "expected times between the years -29719 and 33658")
  }
})

const places = (
  machine: Machine
): Pick<
  Platform.FileSystem,
  "copy" | "copyFile" | "link" | "symlink" | "readLink" | "realPath" | "remove" | "rename" | "truncate"
> => ({
  copy: (from, to, { overwrite, preserveTimestamps } = {}) =>
    scriptOnTwo(machine, "copy", "cp", [from, to], scripts.copy, [
      yes(overwrite),
      preserveTimestamps === true ? "-p" : ""
    ]),
  copyFile: (from, to) => scriptOnTwo(machine, "copyFile", "copyfile", [from, to], scripts.copyFile),
  link: (from, to) => scriptOnTwo(machine, "link", "link", [from, to], scripts.link),
  rename: (from, to) => scriptOnTwo(machine, "rename", "rename", [from, to], scripts.rename),
  symlink: (target, path) =>
    Effect.asVoid(
      run(
        machine,
        { method: "symlink", syscall: "symlink", path: target, destination: path },
        scripts.symlink,
        [absolute(machine, withoutSlashes(path)), target],
        "unsafe"
      )
    ),
  readLink: (path) => script(machine, "readLink", "readlink", path, scripts.readLink, [], "safe"),
  realPath: (path) => script(machine, "realPath", "realpath", path, scripts.realPath, [], "safe"),
  remove: (path, { force, recursive } = {}) =>
    Effect.asVoid(
      script(
        machine,
        "remove",
        "rm",
        path,
        scripts.remove,
        [yes(recursive), yes(force)],
        force === true ? "idempotent" : "unsafe"
      )
    ),
  truncate: (path, length = 0) =>
    Effect.flatMap(
      files.lengthText("truncate", length),
      (text) => Effect.asVoid(script(machine, "truncate", "open", path, scripts.truncate, ["", text], "idempotent"))
    )
})

/** A temporary directory with a name that is known before it is there, so that it is removed whatever becomes of its making. */
const temporary = (
  machine: Machine,
  method: string,
  { directory, prefix = "" }: Platform.MakeTempDirectoryOptions = {},
  file = ""
) => {
  const parent = directory === undefined ? machine.temporary : absolute(machine, withoutSlashes(directory))
  const path = `${parent === "/" ? "" : parent}/${newName(prefix)}`
  return {
    path: file === "" ? path : `${path}/${file}`,
    make: script(machine, method, "mkdtemp", path, scripts.makeTemporary, [file], "unsafe"),
    remove: finish(
      script(machine, method, "rm", path, scripts.remove, ["yes", "yes"], "idempotent").pipe(
        Effect.catchAll((error) => Effect.logWarning(`a temporary directory may be left: ${error.message}`))
      ),
      longestRelease
    )
  }
}

type Temporary = ReturnType<typeof temporary>

const made = (make: () => Temporary): Effect.Effect<string, PlatformError> =>
  Effect.suspend(() => {
    const { make: made, path } = make()
    return Effect.as(made, path)
  })

const madeScoped = (make: () => Temporary): Effect.Effect<string, PlatformError, Scope.Scope> =>
  Effect.suspend(() => {
    const { make: made, path, remove } = make()
    return Effect.as(Effect.zipRight(Effect.addFinalizer(() => remove), made), path)
  })

const fileName = ({ suffix = "" }: Platform.MakeTempFileOptions = {}): string => newName("") + suffix

const directories = (
  machine: Machine
): Pick<
  Platform.FileSystem,
  "makeDirectory" | "makeTempDirectory" | "makeTempDirectoryScoped" | "makeTempFile" | "makeTempFileScoped"
> => ({
  makeDirectory: (path, { mode, recursive } = {}) =>
    Effect.asVoid(
      script(
        machine,
        "makeDirectory",
        "mkdir",
        path,
        scripts.makeDirectory,
        [yes(recursive), files.octal(mode)],
        recursive === true ? "idempotent" : "unsafe"
      )
    ),
  makeTempDirectory: (options) => made(() => temporary(machine, "makeTempDirectory", options)),
  makeTempDirectoryScoped: (options) => madeScoped(() => temporary(machine, "makeTempDirectoryScoped", options)),
  makeTempFile: (options) => made(() => temporary(machine, "makeTempFile", options, fileName(options))),
  makeTempFileScoped: (options) =>
    madeScoped(() => temporary(machine, "makeTempFileScoped", options, fileName(options)))
})

const readDirectory = (machine: Machine): Platform.FileSystem["readDirectory"] => (path, { recursive } = {}) =>
  Effect.suspend(() => {
    const call = { method: "readDirectory", syscall: "scandir", path }
    const list = `${machine.temporary}/${newName(".agb-list-")}`
    const args = [absolute(machine, path), yes(recursive), list]
    return Effect.flatMap(
      run(machine, call, scripts.readDirectory, args, "safe"),
      (printed) =>
        Effect.map(contents.listed(machine, call, list, printed), (names) => names.map((name) => name.slice(2)))
    )
  })

const readFile = (machine: Machine): Platform.FileSystem["readFile"] => (path) => {
  const call = { method: "readFile", syscall: "open", path }
  return Effect.gen(function*() {
    const file = yield* located(machine, call)
    const bytes = yield* machine.files.readFileBytes(file, { maxBytes: contents.mostBytes }).pipe(
      Effect.mapError(failed("FileSystem", call)),
      Effect.catchIf(contents.isRefused, () => Effect.succeed(new Uint8Array()))
    )
    if (bytes.length > 0) return bytes
    return concat(yield* Stream.runCollect(contents.readParts(machine, call, file)))
  })
}

const writeFile = (machine: Machine): Platform.FileSystem["writeFile"] => (path, data, { flag = "w", mode } = {}) => {
  const call = { method: "writeFile", syscall: "open", path }
  return Effect.flatMap(
    files.scriptFlag("writeFile", flag),
    (flag) => contents.send(machine, call, scripts.writeFile, [absolute(machine, path), flag, files.octal(mode)], data)
  )
}

/** Pieces of exactly `size` bytes, but for the last. */
const inPieces = (size: number) => <E>(bytes: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    const rest: Array<Uint8Array> = []
    let length = 0
    const take = (): ReadonlyArray<Uint8Array> => {
      const all = concat(rest.splice(0))
      const whole = all.length - all.length % size
      if (whole < all.length) rest.push(all.subarray(whole))
      length = all.length - whole
      return Array.from({ length: whole / size }, (_, index) => all.subarray(index * size, (index + 1) * size))
    }
    const pieces = Stream.mapConcat(bytes, (piece) => {
      rest.push(piece)
      length += piece.length
      return length < size ? [] : take()
    })
    return Stream.concat(pieces, Stream.suspend(() => Stream.fromIterable(length === 0 ? [] : [concat(rest)])))
  })

const stream = (machine: Machine): Platform.FileSystem["stream"] => (path, options = {}) => {
  const { bytesToRead, chunkSize = 64 * 1024, offset } = options
  const call = { method: "stream", syscall: "open", path }
  const range = {
    offset: offset === undefined ? undefined : Number(offset),
    bytesToRead: bytesToRead === undefined ? undefined : Number(bytesToRead)
  }
  const size = Number(chunkSize)
  if (!Number.isSafeInteger(size) || size < 1) {
    return Stream.fromEffect(refused("stream", `chunkSize: expected a positive integer, given ${chunkSize}`))
  }
  return Stream.unwrap(Effect.map(located(machine, call), (file) => {
    const bytes = Stream.mapError(machine.files.readFileStream(file, range), failed("FileSystem", call))
    return contents.orByParts(machine, call, file, bytes, range)
  })).pipe(inPieces(size))
}

/** What arrives together is written together. */
const sink = (machine: Machine): Platform.FileSystem["sink"] => (path, options) =>
  Sink.unwrapScoped(
    Effect.map(
      files.open(machine, "sink", path, { flag: "w", ...options }),
      (file) =>
        Sink.forEachChunk((chunk) => Effect.forEach(joined(chunk), (bytes) => file.writeAll(bytes), { discard: true }))
    )
  )

export const make = (machine: Machine): Platform.FileSystem => ({
  ...Platform.make({
    ...attributes(machine),
    ...places(machine),
    ...directories(machine),
    open: (path, options) => files.open(machine, "open", path, options),
    readDirectory: readDirectory(machine),
    readFile: readFile(machine),
    writeFile: writeFile(machine),
    watch: watch(machine)
  }),
  stream: stream(machine),
  sink: sink(machine)
})
