/** The cookies of links. */

/** Browsers send the cookies of one port to all ports of a host, so each link has a cookie name of its own. */
export const linkCookiePrefix = "agb-link-"

export const cookiesOf = (header = ""): ReadonlyArray<readonly [name: string, value: string]> =>
  header.split(";").map((pair) => {
    const [name = "", value = ""] = pair.trim().split(/=(.*)/s)
    return [name, value] as const
  })

/**
 * The `Cookie` header for the session: without cookies of links, and with `ownPrefix` only those cookies whose names carry
 * it, which the session has set itself. Undefined where none remains.
 */
export const cookiesInwards = (header: string, ownPrefix: string): string | undefined => {
  const cookies = cookiesOf(header).flatMap(([name, value]) => {
    if (ownPrefix !== "") return name.startsWith(ownPrefix) ? [`${name.slice(ownPrefix.length)}=${value}`] : []
    return name.startsWith(linkCookiePrefix) ? [] : [value === "" ? name : `${name}=${value}`]
  })
  return cookies.length === 0 ? undefined : cookies.join("; ")
}

/** A `Set-Cookie` header of the session: for the host of the link alone; undefined where it would be one of a link. */
export const setCookieOutwards = (header: string, ownPrefix: string): string | undefined => {
  const cookie = header.trimStart()
  if (cookie.startsWith(linkCookiePrefix)) return undefined
  return ownPrefix + cookie.replace(/;\s*domain\s*(=[^;]*)?(?=;|$)/gi, "")
}
