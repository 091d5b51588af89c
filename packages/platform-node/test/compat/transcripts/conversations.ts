/** Holds recorded WebSocket conversations with a server: it is sent what the client sent, and must say what is documented. */
import { assert } from "@effect/vitest"
import { WebSocket } from "ws"
import type { Conversation, Frame, Json, Texts } from "./recordings.js"
import { type Handles, make, type Server } from "./replay.js"

type Data = Json & { readonly phase?: string; readonly eventType?: string }

interface Answer {
  readonly invocationId?: unknown
  readonly data: Data
}

/** What a call makes of itself. */
interface Expected {
  readonly stdout?: string
  readonly result?: string
  readonly status?: "finished" | "failed"
  readonly error?: RegExp
  /** The call is refused: a text in `data.error`. */
  readonly refused?: boolean
  /** Nothing is answered. */
  readonly silent?: boolean
}

/** What the stub answered was written in a script; here the code really runs. */
const byCode: Readonly<Record<string, Expected>> = {
  "python: print(1)": { stdout: "1\n" },
  "python: print('hello'); 42": { stdout: "hello\n", result: "42" },
  "python: 1/0": { status: "failed", error: /division by zero/ },
  "python: x": { status: "failed", error: /NameError/ },
  "python: x=1": {},
  "javascript: x=1": { result: "1" }
}

const byCall: Readonly<Record<string, Expected>> = {
  push: { refused: true },
  write: { refused: true },
  heartbeat: { silent: true },
  reconnect: { silent: true }
}

const codeOf = (sent: ReadonlyArray<Answer>): string => {
  const { code, language } = (sent[0]?.data["params"] ?? {}) as { readonly code?: string; readonly language?: string }
  return `${language}: ${code}`
}

const expectedOf = (callId: string, sent: ReadonlyArray<Answer>): Expected =>
  byCall[callId] ?? byCode[codeOf(sent)] ?? assert.fail(`${callId}: what does ${codeOf(sent)} do?`)

const kept = /^(Upgrade|Sec-WebSocket-Version|Sec-WebSocket-Extensions)$/i

/** Those of the recorded handshake that the library does not send by itself. */
const headersOf = (headers: Texts, token: string): Texts => ({
  ...Object.fromEntries(Object.entries(headers).filter(([name]) => !kept.test(name))),
  "X-Access-Token": token
})

/** The status of the answer to the handshake, and the socket when it was accepted. */
const shake = (url: string, headers: Texts): Promise<{ readonly status: number; readonly socket: WebSocket }> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers })
    socket.once("open", () => resolve({ status: 101, socket }))
    socket.once("unexpected-response", (request, response) => {
      request.destroy()
      resolve({ status: response.statusCode ?? 0, socket })
    })
    socket.once("error", reject)
  })

const isLast = ({ data }: Answer): boolean => data.phase === "end" || typeof data["error"] === "string"

const quiet = 300

/** All answers up to the last one of a call, or all that come in a while when none is due. */
const answersOf = (socket: WebSocket, isSilent: boolean): Promise<ReadonlyArray<Answer>> =>
  new Promise((resolve, reject) => {
    const answers: Array<Answer> = []
    const done = () => resolve(answers)
    socket.on("message", (text: Buffer) => {
      const answer = JSON.parse(text.toString()) as Answer
      answers.push(answer)
      if (isLast(answer)) setTimeout(done, quiet)
    })
    socket.once("close", (code) => reject(new Error(`closed with ${code} after ${JSON.stringify(answers)}`)))
    if (isSilent) setTimeout(done, quiet)
  })

const ordered = (answers: ReadonlyArray<Answer>) => {
  const numbers = answers.map(({ data }) => Number(data["seq"]))
  assert.deepStrictEqual(numbers, [...numbers].sort((a, b) => a - b), "in order")
  assert.lengthOf(new Set(numbers), numbers.length, "numbered once each")
}

const checkStream = (answers: ReadonlyArray<Answer>, { error, result, status = "finished", stdout = "" }: Expected) => {
  const of = (type: string) => answers.map(({ data }) => data).filter(({ eventType }) => eventType === type)
  assert.strictEqual(of("stdout").map((data) => String(data["chunk"])).join(""), stdout)
  const texts = of("result").map((data) => ((data["result"] as Json)["mime"] as Json)["text/plain"])
  assert.deepStrictEqual(texts, result === undefined ? [] : [result])
  const last = answers.at(-1)?.data ?? {}
  assert.strictEqual(last["status"], status, JSON.stringify(last))
  if (error === undefined) assert.isNull(last["executionError"])
  else assert.match(String(last["executionError"]), error)
  assert.isNumber(last["executionTime"])
  ordered(answers)
}

const checkAnswers = (id: string, answers: ReadonlyArray<Answer>, sent: ReadonlyArray<Answer>, wanted: Expected) => {
  if (wanted.silent) return assert.deepStrictEqual(answers, [], id)
  const said = JSON.stringify(answers)
  for (const { data, invocationId } of answers) {
    assert.strictEqual(invocationId, sent[0]?.invocationId, said)
    assert.isTrue(wanted.refused === true || ["event", "end"].includes(String(data.phase)), said)
  }
  if (wanted.refused) return assert.isTrue(answers.every(({ data }) => typeof data["error"] === "string"), said)
  assert.lengthOf(answers.filter(isLast), 1, `exactly one end: ${said}`)
  checkStream(answers, wanted)
}

const isHandshake = (frame: Frame) => frame.kind === "handshake"

const sentIn = (frames: ReadonlyArray<Frame>): ReadonlyArray<Answer> =>
  frames.flatMap((frame) => frame.kind === "frame" && frame.dir === "client->server" ? [frame.frame as Answer] : [])

const hold = async (conversation: Conversation, { token = "", wsUrl = "" }: Handles): Promise<void> => {
  const { callId, frames, id } = conversation
  const sent = sentIn(frames)
  for (const handshake of frames.filter(isHandshake)) {
    if (handshake.kind !== "handshake") continue
    const { status, socket } = await shake(
      wsUrl,
      headersOf(handshake.headers, handshake.result === 101 ? token : "t-another")
    )
    assert.strictEqual(status, handshake.result, id)
    if (status !== 101) continue
    const wanted = expectedOf(callId, sent)
    const answers = answersOf(socket, wanted.silent === true)
    for (const frame of sent) socket.send(JSON.stringify(frame))
    checkAnswers(id, await answers, sent, wanted)
    socket.removeAllListeners("close").close()
  }
}

/** In a session of its own, created as that client creates one. */
export const converse = async (server: Server, conversation: Conversation): Promise<void> =>
  hold(conversation, await make(server, conversation.folder).session(conversation.id))
