/**
 * Presigned URLs: each grants one method on one file until it expires. The signing key exists only in the memory of this
 * process.
 */
import * as Crypto from "node:crypto"

export interface Grant {
  readonly method: "GET" | "PUT"
  readonly contextId: string
  /** Normalized. */
  readonly path: string
  /** Unix time in seconds. */
  readonly expires: number
}

export interface SignedUrls {
  /** Path and query of the URL. */
  readonly sign: (grant: Grant) => string
  /** What a request is granted, or why it is denied. */
  readonly verify: (
    method: string,
    path: string,
    query: URLSearchParams,
    nowMillis: number
  ) => Grant | "malformed" | "forbidden" | "expired"
}

export const routePrefix = "/contexts/"

const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/")

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const targetOf = (urlPath: string): Pick<Grant, "contextId" | "path"> | undefined => {
  const text = decoded(urlPath.slice(routePrefix.length))
  const slash = text?.indexOf("/") ?? -1
  return text === undefined || slash <= 0 ? undefined : { contextId: text.slice(0, slash), path: text.slice(slash) }
}

export const make = (): SignedUrls => {
  const key = Crypto.randomBytes(32)
  const signature = ({ contextId, expires, method, path }: Grant): Buffer =>
    Crypto.createHmac("sha256", key).update(JSON.stringify([method, contextId, path, expires])).digest()

  return {
    sign: (grant) =>
      `${routePrefix}${grant.contextId}${encodePath(grant.path)}` +
      `?expires=${grant.expires}&signature=${signature(grant).toString("hex")}`,
    verify: (method, path, query, nowMillis) => {
      const target = targetOf(path)
      const given = query.get("signature") ?? ""
      const expires = query.get("expires") ?? ""
      if (target === undefined || !/^[0-9a-f]{64}$/.test(given) || !/^\d{1,12}$/.test(expires)) return "malformed"
      if (method !== "GET" && method !== "PUT") return "forbidden"
      const grant: Grant = { ...target, method, expires: Number(expires) }
      if (!Crypto.timingSafeEqual(signature(grant), Buffer.from(given, "hex"))) return "forbidden"
      return nowMillis >= grant.expires * 1000 ? "expired" : grant
    }
  }
}
