/** Streamed runs of the promise API. */
import { AgbError, AgbPromise } from "@effect-agb/core"
import { assert, describe, it } from "@effect/vitest"
import { cancelling, end, FakeServer, type FakeSocket, output, result } from "../support/fakeSockets.js"

/** A value of a type that only plain JavaScript can pass. */
const untyped = <A>(value: unknown): A => value as A

const rejectionOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

const until = async <A>(find: () => A | undefined): Promise<A> => {
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const use = async (body: (code: AgbPromise.Code, server: FakeServer) => Promise<void>): Promise<void> => {
  const server = new FakeServer({ handles: { toolList: cancelling } })
  const agb = new AgbPromise.AGB({ layer: server.layer })
  try {
    const attached = await agb.attach("s-1")
    if (!attached.success) return assert.fail(attached.errorMessage)
    await body(attached.session.code, server)
  } finally {
    await agb.dispose()
  }
}

/** The socket, once the nth run has started on it. */
const started = ({ sockets }: FakeServer, nth = 1): Promise<FakeSocket> =>
  until(() => sockets.find(({ calls }) => calls.length >= nth))

describe("runCodeStream of the promise API", () => {
  it("iterates over the events", () =>
    use(async (code, server) => {
      const events = code.runCodeStream("1", "python")
      const first = events.next()
      const socket = await started(server)
      for (const data of [output("a"), output("b", "stderr"), result("42"), end()]) socket.emit(data)
      const all = [(await first).value]
      for await (const event of events) all.push(event)
      const item = { data: { "text/plain": "42" }, isMainResult: true }
      assert.deepStrictEqual(all, [
        { _tag: "Stdout", text: "a" },
        { _tag: "Stderr", text: "b" },
        { _tag: "Result", item },
        {
          _tag: "Completed",
          result: "42",
          logs: { stdout: "a", stderr: "b" },
          results: [item],
          executionCount: 3,
          executionTime: 0.5,
          isWhole: true
        }
      ])
    }))

  it("throws typed errors, and ends the run when the loop is left or the signal aborted", () =>
    use(async (code, server) => {
      const wrong = await rejectionOf(code.runCodeStream("1", "cobol").next())
      assert(wrong instanceof AgbError.InvalidRequestError)
      assert.strictEqual(server.opened, 0)

      const events = code.runCodeStream("1", "python")
      const first = events.next()
      const socket = await started(server)
      socket.emit(output("a"))
      await first
      await events.return?.()
      assert.isTrue(socket.frames.at(-1)?.data.cancel)

      const stop = new AbortController()
      const aborted = rejectionOf(code.runCodeStream("1", "python", 10, { signal: stop.signal }).next())
      await started(server, 2)
      stop.abort("enough")
      assert.strictEqual(await aborted, "enough")
      await until(() => socket.frames.filter(({ data }) => data.cancel).length === 2 ? true : undefined)

      const cut = rejectionOf(code.runCodeStream("1", "python").next())
      await started(server, 3)
      socket.cut()
      assert((await cut) instanceof AgbError.ExecutionUnknownError)
    }))
})

describe("runCode of the promise API with callbacks", () => {
  it("calls them while the code runs, and answers as without them", () =>
    use(async (code, server) => {
      const seen: Array<unknown> = []
      const run = code.runCode("1", "python", 10, {
        onStdout: (text) => seen.push(text),
        onResult: ({ data }) => seen.push(data)
      })
      const socket = await started(server)
      for (const data of [output("a"), output("b", "stderr"), result("42"), end()]) socket.emit(data)
      const done = await run
      if (!done.success) return assert.fail(done.errorMessage)
      assert.deepStrictEqual(seen, ["a", { "text/plain": "42" }])
      assert.deepStrictEqual([done.result, done.logs, done.executionTime], ["42", { stdout: "a", stderr: "b" }, 0.5])
      assert.strictEqual(done.requestId, socket.calls[0]?.invocationId)
    }))

  it("answers the errors of the run, and rejects with those of a callback", () =>
    use(async (code, server) => {
      const cut = code.runCode("1", "python", 10, { onStdout: () => {} })
      const socket = await started(server)
      socket.emit(output("a"))
      socket.cut()
      const lost = await cut
      assert.isFalse(lost.success)
      assert.deepStrictEqual([lost.error?._tag, lost.logs.stdout], ["ExecutionUnknownError", "a"])

      const thrown = rejectionOf(code.runCode("1", "python", 10, {
        onStdout: () => {
          throw new RangeError("too much")
        }
      }))
      const second = await until(() => server.sockets.length > 1 ? server.socket : undefined)
      await until(() => second.calls.length > 0 ? true : undefined)
      second.emit(output("a"))
      assert((await thrown) instanceof RangeError)
      assert.isTrue(second.frames.at(-1)?.data.cancel)

      const wrong = await code.runCode("1", "python", 10, untyped({ onStdout: 7 }))
      assert.deepInclude(wrong.error, { _tag: "InvalidRequestError", field: "onStdout" })
    }))
})
