// What an open page costs a session: the time of a run with none, and with twenty, ten of which are asleep and read nothing.
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { get, type IncomingMessage, request } from "node:http"
import type { Duplex } from "node:stream"
import type { AgbLocal } from "./agbLocal.js"
import { type Alternative, compare } from "./compare.js"
import { startLocal } from "./contenders.js"
import { connect, createSession, deleteSession, toolText, type Wire } from "./wire.js"

const pagesEach = 10

/** A run that prints and displays something. */
const code = "for i in range(20): print('line', i)\n[i * i for i in range(50)]"

const at = (url: string) => {
  const { host, pathname, port, search } = new URL(url)
  return { host: "127.0.0.1", port, path: `${pathname}${search}`, headers: { host }, name: host }
}

const pageUrl = async ({ apiKey, endpoint }: AgbLocal, sessionId: string): Promise<string> => {
  const response = await fetch(`${endpoint}/pages`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ sessionId, access: "read" })
  })
  const { url } = await response.json() as { readonly url: string }
  return url
}

const enter = async (url: string): Promise<string> => {
  const [reply] = await once(get(at(url)), "response") as [IncomingMessage]
  reply.resume()
  const cookie = reply.headers["set-cookie"]?.[0]?.split(";")[0]
  if (cookie === undefined) throw new Error(`the page answered ${reply.statusCode}`)
  return cookie
}

/** Opens the page of a session; one that is asleep reads nothing. */
const open = async (server: AgbLocal, sessionId: string, isAsleep: boolean): Promise<Duplex> => {
  const url = await pageUrl(server, sessionId)
  const cookie = await enter(url)
  const { host, name, port } = at(url)
  const upgrade = request({
    host,
    port,
    path: "/api/live",
    headers: {
      host: name,
      origin: `http://${name}`,
      cookie,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64")
    }
  })
  upgrade.end()
  const [, socket] = await once(upgrade, "upgrade") as [IncomingMessage, Duplex]
  socket.on("error", () => {})
  if (!isAsleep) socket.resume()
  return socket
}

const runIn = (wire: Wire, sessionId: string, name: string): Alternative => ({
  name,
  run: async () => toolText(await wire.callTool(sessionId, "run_code", { code, language: "python", timeout_s: 60 }))
})

export const pages = async () => {
  const local = await startLocal()
  const wire = connect(local.server)
  const [{ sessionId: without }, { sessionId: watched }] = [await createSession(wire), await createSession(wire)]
  const sockets: Array<Duplex> = []
  for (let count = 0; count < 2 * pagesEach; count++) {
    sockets.push(await open(local.server, watched, count % 2 === 1))
  }
  await compare("a run of Python", [
    runIn(wire, without, "no page open"),
    runIn(wire, watched, `${2 * pagesEach} pages open, ${pagesEach} of them asleep`)
  ], { rounds: 300, warmup: 10, seconds: 60 })
  for (const socket of sockets) socket.destroy()
  for (const sessionId of [without, watched]) await deleteSession(wire, sessionId)
  await wire.close()
  await local.stop()
}
