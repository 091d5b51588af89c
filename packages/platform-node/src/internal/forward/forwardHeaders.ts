/**
 * The address of a link and the headers that pass a forwarded port. What the link needs for itself, its path and its query, is added
 * to each request and taken out of each reply: a header that would still tell a secret of the link is left out.
 */
import type { IncomingMessage } from "node:http"
import { isHopByHop } from "../server/routes/linkHeaders.js"

type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const pairsOf = (raw: ReadonlyArray<string>): Pairs =>
  raw.flatMap((name, index) => index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : [])

/** Shorter parts of an address are words, not secrets. */
const minSecretLength = 8

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Where the link leads, and what of it must stay here. */
export class LinkTarget {
  readonly url: URL
  readonly #folder: string
  readonly #secrets: ReadonlyArray<string>

  constructor(url: URL) {
    this.url = url
    this.#folder = url.pathname.replace(/\/+$/, "")
    const parts = [...this.#folder.split("/"), ...url.searchParams.values()]
    const spellings = parts.flatMap((part) => [part, encodeURIComponent(part), decoded(part)])
    this.#secrets = [...new Set(spellings)].filter(({ length }) => length >= minSecretLength)
  }

  /** The address must be encrypted or of this machine, and of http. `wss` links are asked over https. */
  static parse(text: string): LinkTarget | undefined {
    if (!URL.canParse(text)) return undefined
    const url = new URL(text.replace(/^ws/i, "http"))
    const isSecure = url.protocol === "https:" || url.protocol === "http:" && loopback.test(url.hostname)
    return isSecure && url.username === "" && url.password === "" ? new LinkTarget(url) : undefined
  }

  /** The path of a request as the link wants it. */
  pathOf(path: string): string {
    const query = this.url.search.slice(1)
    if (query === "") return this.#folder + path
    return `${this.#folder}${path}${path.includes("?") ? "&" : "?"}${query}`
  }

  tells(value: string): boolean {
    return this.#secrets.some((secret) => value.includes(secret))
  }

  /** A reference to the link as a path of the forwarded port; others stay as they are. */
  localReference(value: string, requestPath: string): string {
    const path = this.pathOf(requestPath)
    const base = URL.canParse(path, this.url) ? new URL(path, this.url) : this.url
    if (!URL.canParse(value, base)) return value
    const url = new URL(value, base)
    if (url.host !== this.url.host || !/^https?:$/.test(url.protocol)) return value
    const isBelow = url.pathname === this.#folder || url.pathname.startsWith(`${this.#folder}/`)
    const own = isBelow ? url.pathname.slice(this.#folder.length) : url.pathname
    for (const [name, text] of this.url.searchParams) {
      if (url.searchParams.get(name) === text) url.searchParams.delete(name)
    }
    const result = `/${own.replace(/^\/+/, "")}${url.search}${url.hash}`
    return this.tells(result) ? "/" : result
  }
}

/** The text itself if it is no spelling of another. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Browsers send the cookies of one port to all ports of a host. */
const isBrowser = ({ headers }: IncomingMessage): boolean =>
  headers["sec-fetch-site"] !== undefined || /^Mozilla\//.test(headers["user-agent"] ?? "")

const maxCookies = 200

/** The names of the cookies that were set through this port: a browser brings those of all programs of the machine. */
export class OwnCookies {
  readonly #names = new Set<string>()

  /** The cookie for this port alone; undefined if it tells a secret of the link. */
  set(header: string, target: LinkTarget): string | undefined {
    if (target.tells(header)) return undefined
    const [name = ""] = header.split("=")
    if (this.#names.size < maxCookies) this.#names.add(name.trim())
    return header.replace(/;\s*(domain\s*(=[^;]*)?|secure\s*)(?=;|$)/gi, "")
  }

  get(header: string, request: IncomingMessage): string {
    if (!isBrowser(request)) return header
    return header.split(";").map((pair) => pair.trim()).filter((pair) => this.#names.has(pair.split("=")[0] ?? ""))
      .join("; ")
  }
}

/** What a browser says about a page of this port is not about the page of the link. */
const isAboutPages = (name: string): boolean => /^(sec-fetch-|sec-ch-|upgrade-insecure-requests$)/i.test(name)

/** The headers of a request for the link. An Origin other than that of this port has been refused. */
export const requestHeaders = (request: IncomingMessage, target: LinkTarget, cookies: OwnCookies): Pairs =>
  pairsOf(request.rawHeaders).flatMap(([name, value]): Pairs => {
    if (isAboutPages(name)) return []
    switch (name.toLowerCase()) {
      case "host":
        return [[name, target.url.host]]
      case "origin":
        return [[name, target.url.origin]]
      case "referer":
        return URL.canParse(value) ? [[name, target.url.origin + new URL(value).pathname]] : []
      case "cookie": {
        const own = cookies.get(value, request)
        return own === "" ? [] : [[name, own]]
      }
      default:
        return [[name, value]]
    }
  })

/** The headers of a reply for the client. */
export const replyHeaders = (
  { rawHeaders }: Pick<IncomingMessage, "rawHeaders">,
  path: string,
  target: LinkTarget,
  cookies: OwnCookies
): Pairs =>
  pairsOf(rawHeaders).flatMap(([name, value]): Pairs => {
    if (isHopByHop(name)) return []
    switch (name.toLowerCase()) {
      case "clear-site-data":
      case "strict-transport-security":
        return []
      case "set-cookie": {
        const cookie = cookies.set(value, target)
        return cookie === undefined ? [] : [[name, cookie]]
      }
      case "location":
      case "content-location": {
        const reference = target.localReference(value, path)
        return target.tells(reference) ? [] : [[name, reference]]
      }
      default:
        return target.tells(value) ? [] : [[name, value]]
    }
  })
