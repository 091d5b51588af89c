/** What terminals do: typed into, resized, interrupted and ended. */
import * as Socket from "@effect/platform/Socket"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Session from "../../Session.js"
import type * as Terminal from "../../Terminal.js"
import * as TerminalSocket from "../../TerminalSocket.js"
import { concat } from "../wire/text/bytes.js"
import { assert, bytesOf, failsWith, sameBytes, textOf } from "./assert.js"
import { type Contract, imageId } from "./contractCase.js"
import { watch } from "./screen.js"

/** A shell with a prompt that is easily told from other output. */
const shell = "PS1='<ready> ' exec bash --norc --noprofile --noediting"

const prompt = /<ready> /

const typing: Contract = (test) => {
  test("a terminal echoes what is typed, knows its size and passes on keys that interrupt and end", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const terminal = yield* session.terminal.open(shell, { columns: 100, rows: 30, cwd: "/usr", envs: { A: "b c" } })
      const screen = yield* watch(terminal)
      yield* screen.until(prompt)
      yield* terminal.write("echo \"naïve $A $TERM\" $PWD; tty\r")
      yield* screen.until(/echo "naïve \$A \$TERM" \$PWD; tty\r\n/)
      yield* screen.until(/naïve b c xterm-256color \/usr\r\n\/dev\/pts\/\d+\r\n/)
      yield* terminal.write("stty size\r")
      yield* screen.until(/30 100\r\n/)
      yield* terminal.write("trap 'echo changed to $(stty size)' WINCH; echo set\r")
      yield* screen.until(/\nset\r\n<ready> /)
      yield* terminal.resize(132, 43)
      yield* terminal.write("\r")
      yield* screen.until(/changed to 43 132\r\n/)
      yield* terminal.write("cat\r")
      yield* screen.until(/cat\r\n/)
      yield* terminal.write("echoed by cat\r")
      yield* screen.until(/echoed by cat\r\nechoed by cat\r\n/)
      yield* terminal.write("\x03")
      yield* screen.until(/\^C[^]*<ready> /)
      yield* terminal.write("(exit 7)\r")
      yield* screen.until(prompt)
      yield* terminal.write("\x04")
      const { exitCode, signal } = yield* terminal.exit
      assert.deepStrictEqual([exitCode, signal], [7, Option.none()])
      yield* screen.ended
      assert.strictEqual((yield* failsWith(terminal.write("late"), "ProcessError")).reason, "Ended")
      yield* terminal.resize(80, 24)
      yield* terminal.kill()
    }))
}

const drawing: Contract = (test) => {
  test("a full-screen program draws its screen again when the size changes", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const terminal = yield* session.terminal.open(`exec python3 -c '${curses}'`, { columns: 60, rows: 20 })
      const screen = yield* watch(terminal)
      yield* screen.until(/20 x 60/)
      yield* terminal.resize(70, 25)
      yield* screen.until(/2?5.* x .*7?0|25 x 70/)
      yield* terminal.write("q")
      assert.strictEqual((yield* terminal.exit).exitCode, 0)
    }), "python")
}

/** Writes its size into the middle of the screen, until it is told to quit. */
const curses = `
import curses
def main(screen):
    while True:
        screen.erase()
        rows, columns = screen.getmaxyx()
        screen.addstr(rows // 2, 2, "%d x %d" % (rows, columns))
        screen.redrawwin()
        screen.refresh()
        if screen.getch() == ord("q"):
            return
curses.wrapper(main)`

/** Numbered lines: bytes of which each is where it belongs. */
const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index} ${"ü".repeat(20)}`).join("\n")

const bytes: Contract = (test) => {
  test("a mebibyte goes out, and a quarter in, with every byte once and in order", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const print = `stty raw -echo; exec python3 -c 'import sys
sys.stdout.buffer.write(bytes((i * i + (i >> 9)) % 251 for i in range(1 << 20)))'`
      const writer = yield* session.terminal.open(print)
      const expected = Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * i + (i >> 9)) % 251)
      assert.isTrue(sameBytes(concat(yield* Stream.runCollect(writer.output)), expected))

      const input = bytesOf(lines(5500))
      const copy = `stty raw -echo; printf 'ready '; exec head -c ${input.length}`
      const copier = yield* session.terminal.open(copy)
      const screen = yield* watch(copier)
      yield* screen.until(/ready /)
      yield* Stream.run(Stream.make(input.subarray(0, 1001), textOf(input.subarray(1001))), copier.input).pipe(
        Effect.zipRight(copier.exit)
      )
      yield* screen.ended
      assert.isTrue(sameBytes(screen.bytes(), concat([bytesOf("ready "), input])))
    }), "python")
}

const sockets: Contract = (test) => {
  test("a terminal is the platform's socket", () =>
    Effect.gen(function*() {
      const session = yield* Session.make({ imageId })
      const terminal = yield* session.terminal.open("stty raw -echo; printf ready; exec head -c 6")
      const socket: Socket.Socket = TerminalSocket.make(terminal)
      assert.isTrue(Socket.isSocket(socket))
      let text = ""
      const write = yield* socket.writer
      yield* socket.run((bytes) => {
        text += textOf(bytes)
        return text === "ready" ? Effect.zipRight(write("one"), write(bytesOf("two"))) : Effect.void
      })
      assert.strictEqual(text, "readyonetwo")
      const hung = yield* session.terminal.open("exec sleep 100.625")
      yield* Effect.flatMap(TerminalSocket.make(hung).writer, (write) => write(new Socket.CloseEvent()))
      assert.deepStrictEqual((yield* hung.exit).signal, Option.some("SIGHUP"))
    }))
}

const ends: Contract = (test) => {
  test("the end of its scope ends a terminal with everything that it has started", () =>
    Effect.gen(function*() {
      const { command, terminal } = yield* Session.make({ imageId })
      const line = "trap '' HUP TERM; setsid sleep 101.5 & sleep 101.5 & echo ready; while :; do sleep 101.5; done"
      yield* Effect.scoped(Effect.gen(function*() {
        const screen = yield* watch(yield* terminal.open(line))
        yield* screen.until(/ready/)
      }))
      const found = yield* command.executeCommand("grep -al '^sleep.101[.]5' /proc/[0-9]*/cmdline || true")
      assert.strictEqual(found.stdout, "")
      assert.deepStrictEqual(yield* command.listProcesses, [])
    }))

  test("a terminal never tells an outcome that its session has not recorded", () =>
    Effect.gen(function*() {
      const { command, terminal } = yield* Session.make({ imageId })
      const opened = yield* terminal.open("echo holder $PPID; exec sleep 100")
      const [, holder] = yield* (yield* watch(opened)).until(/holder (\d+)\r\n/)
      yield* command.executeCommand(`kill -9 ${holder}`)
      assert.strictEqual((yield* failsWith(opened.exit, "ProcessError")).reason, "Lost")
      assert.strictEqual((yield* failsWith(opened.write("x"), "ProcessError")).reason, "Lost")

      const released = yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* Session.make({ imageId })
        const opened = yield* session.terminal.open("sleep 100")
        return { opened, waiting: yield* Effect.forkDaemon(opened.exit) }
      }))
      const error = yield* Effect.flip(Effect.flatten(released.waiting.await))
      assert.include("SessionLostError ProcessError", error._tag)
      yield* failsWith(Stream.runDrain(released.opened.output), "SessionLostError")
    }))

  test("bad sizes, input and signals are refused", () =>
    Effect.gen(function*() {
      const { terminal } = yield* Session.make({ imageId })
      const refused = (effect: Effect.Effect<unknown, Terminal.TerminalFailure>) =>
        Effect.map(failsWith(effect, "InvalidRequestError"), ({ field }) => field)
      const open = (options: object) => refused(Effect.scoped(terminal.open("true", options)))
      assert.strictEqual(yield* open({ columns: 0 }), "columns")
      assert.strictEqual(yield* open({ rows: 1.5 }), "rows")
      assert.strictEqual(yield* open({ cwd: "usr" }), "cwd")
      assert.strictEqual(yield* open({ size: 5 }), "size")
      const opened = yield* terminal.open("sleep 100")
      assert.strictEqual(yield* refused(opened.resize(80, 70_000)), "rows")
      assert.strictEqual(yield* refused(opened.write(5 as never)), "data")
      assert.strictEqual(yield* refused(opened.kill("TERM")), "signal")
      assert.strictEqual(yield* refused(opened.kill("SIGNONSENSE")), "signal")
    }))
}

export const terminals: Contract = (test, backend) => {
  typing(test, backend)
  sockets(test, backend)
  ends(test, backend)
  drawing(test, backend)
  bytes(test, backend)
}
