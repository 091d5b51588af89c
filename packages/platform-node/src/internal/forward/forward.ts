/** A port of this machine that leads to a port of a session, through its link: HTTP, and what is upgraded from it. */
import * as Http from "node:http"
import * as Https from "node:https"
import type { AddressInfo } from "node:net"
import { type Duplex, pipeline } from "node:stream"
import { isHopByHop } from "../server/routes/linkHeaders.js"
import { sendRawText, sendText } from "../server/routes/linkProxy.js"
import { type LinkTarget, OwnCookies, replyHeaders, requestHeaders } from "./forwardHeaders.js"

export interface Forward {
  /** `http://127.0.0.1:` and the port. */
  readonly url: string
  readonly port: number
}

/** The links to a port. The one for upgrades is asked for when it is first needed. */
export interface Links {
  readonly http: LinkTarget
  readonly upgrades: () => Promise<LinkTarget>
}

const host = "127.0.0.1"

const maxConnections = 256

const connectMs = 10_000

/** The code of a failure to connect. Its message may have the address of the link. */
const reasonOf = (error: Error): string =>
  `the link to the session failed (${"code" in error && typeof error.code === "string" ? error.code : error.name})`

const notHttpText = "only HTTP, and what is upgraded from it, is carried to the session"

const notPathText = "the target of a request must be a path of printable characters"

/** Other targets, of proxies or with bytes that a request cannot have, would not lead to the link. */
const isPath = (target: string | undefined): boolean => /^\/[\x21-\x7e]*$/.test(target ?? "")

export class Forwarder {
  readonly #links: Links
  readonly #server: Http.Server
  readonly #agents = {
    "http:": new Http.Agent({ keepAlive: true, maxSockets: maxConnections }),
    "https:": new Https.Agent({ keepAlive: true, maxSockets: maxConnections })
  }
  readonly #cookies = new OwnCookies()
  /** What is under way: sockets that were upgraded are no connections of the server any more. */
  readonly #open = new Set<{ destroy: () => unknown }>()
  #upgrades: Promise<LinkTarget> | undefined

  constructor(links: Links) {
    this.#links = links
    const server = Http.createServer({ headersTimeout: connectMs, maxHeaderSize: 16_384, requestTimeout: 0 })
    server.maxConnections = maxConnections
    server.on("request", (request, response) => this.#relay(request, response))
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head))
    server.on("connect", (_, socket) => sendRawText(socket, 501, notHttpText))
    server.on("clientError", (_, socket) => sendRawText(socket, 400, notHttpText))
    this.#server = server
  }

  /** Rejects with the error of the operating system if the port cannot be had. */
  listen(port: number): Promise<Forward> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(port, host, () => {
        const { port } = this.#server.address() as AddressInfo
        resolve({ url: `http://${host}:${port}`, port })
      })
    })
  }

  /** Ends the port and everything that goes through it. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    for (const one of this.#open) one.destroy()
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #hold(one: Duplex | Http.ClientRequest): void {
    this.#open.add(one)
    one.once("close", () => this.#open.delete(one))
  }

  /** A request for another host name (DNS rebinding), or from a page of another origin. */
  #isForeign({ headers }: Http.IncomingMessage): boolean {
    const { port } = this.#server.address() as AddressInfo
    const names = [`${host}:${port}`, `localhost:${port}`]
    const isOwn = (name: string | undefined) => name !== undefined && names.includes(name.toLowerCase())
    return !isOwn(headers.host) || headers.origin !== undefined && !isOwn(/^http:\/\/(.*)$/.exec(headers.origin)?.[1])
  }

  #request(request: Http.IncomingMessage, target: LinkTarget, more: Http.RequestOptions = {}): Http.ClientRequest {
    const { protocol } = target.url
    const { request: send } = protocol === "https:" ? Https : Http
    const outgoing = send({
      agent: this.#agents[protocol as "http:"],
      protocol,
      host: target.url.hostname.replace(/^\[|\]$/g, ""),
      port: target.url.port,
      method: request.method,
      path: target.pathOf(request.url ?? "/"),
      setHost: false,
      ...more
    })
    // Only the connection has a time limit: a reply may be long in coming.
    outgoing.on("socket", (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(
        () => socket.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })),
        connectMs
      )
      for (const event of ["connect", "close"]) socket.once(event, () => clearTimeout(timer))
    })
    this.#hold(outgoing)
    return outgoing
  }

  #relay(request: Http.IncomingMessage, response: Http.ServerResponse): void {
    if (this.#isForeign(request)) return sendText(response, 403, "this port is for its own pages only")
    if (!isPath(request.url)) return sendText(response, 400, notPathText)
    const target = this.#links.http
    const outgoing = this.#request(request, target)
    for (const [name, value] of requestHeaders(request, target, this.#cookies)) {
      if (!isHopByHop(name)) outgoing.appendHeader(name, value)
    }
    if (request.headers["transfer-encoding"] !== undefined) outgoing.setHeader("transfer-encoding", "chunked")
    let isReplied = false
    // A reply tells by itself whether it is whole: the server may have stopped reading.
    outgoing.on("error", (error) => isReplied ? undefined : sendText(response, 502, reasonOf(error)))
    outgoing.on("response", (reply) => {
      isReplied = true
      this.#reply(request, response, reply)
    })
    response.on("close", () => outgoing.destroy())
    request.pipe(outgoing)
  }

  #reply(request: Http.IncomingMessage, response: Http.ServerResponse, reply: Http.IncomingMessage): void {
    try {
      const headers = replyHeaders(reply, request.url ?? "/", this.#links.http, this.#cookies)
      response.writeHead(reply.statusCode ?? 502, headers.flat() as Array<string>)
      response.flushHeaders()
    } catch {
      reply.destroy()
      return sendText(response, 502, "the reply of the session has headers that cannot be passed on")
    }
    // A reply that breaks off must not look whole.
    pipeline(reply, response, (error) => error && response.destroy())
  }

  async #upgrade(request: Http.IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    this.#hold(client)
    client.on("error", () => client.destroy())
    if (this.#isForeign(request)) return sendRawText(client, 403, "this port is for its own pages only")
    if (!isPath(request.url)) return sendRawText(client, 400, notPathText)
    const found = this.#upgrades ??= this.#links.upgrades()
    const target = await found.catch(() => undefined)
    if (target === undefined) {
      if (this.#upgrades === found) this.#upgrades = undefined
      return sendRawText(client, 502, "the session has no link for upgraded connections")
    }
    if (client.destroyed) return
    const outgoing = this.#request(request, target, { agent: false })
    for (const [name, value] of requestHeaders(request, target, this.#cookies)) outgoing.appendHeader(name, value)
    outgoing.on("error", (error) => sendRawText(client, 502, reasonOf(error)))
    outgoing.on("response", (reply) => this.#refused(client, request, target, reply))
    outgoing.on("upgrade", (reply, server, rest) => {
      const headers = replyHeaders(reply, request.url ?? "/", target, this.#cookies)
      const hops = ["Connection: Upgrade", `Upgrade: ${reply.headers.upgrade ?? ""}`]
      const lines = [...hops, ...headers.map(([name, value]) => `${name}: ${value}`)]
      this.#hold(server)
      client.write(["HTTP/1.1 101 Switching Protocols", ...lines, "", ""].join("\r\n"), "latin1")
      server.unshift(rest)
      client.unshift(head)
      const end = () => {}
      pipeline(client, server, end)
      pipeline(server, client, end)
    })
    client.once("close", () => outgoing.destroy())
    outgoing.end()
  }

  /** The reply to an upgrade that was refused, with its body. */
  #refused(client: Duplex, request: Http.IncomingMessage, target: LinkTarget, reply: Http.IncomingMessage): void {
    const headers = replyHeaders(reply, request.url ?? "/", target, this.#cookies)
    const lines = headers.map(([name, value]) => `${name}: ${value}`)
    const status = `HTTP/1.1 ${reply.statusCode ?? 502} ${reply.statusMessage ?? ""}`
    client.write([status, "Connection: close", ...lines, "", ""].join("\r\n"), "latin1")
    pipeline(reply, client, () => client.destroy())
  }
}
