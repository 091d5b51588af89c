/** The cookies of links. */

/** Browsers send the cookies of one port to all ports of a host, so each link has a cookie name of its own. */
export const linkCookiePrefix = "agb-link-"

export const cookiesOf = (header = ""): ReadonlyArray<readonly [name: string, value: string]> =>
  header.split(";").map((pair) => {
    const [name = "", value = ""] = pair.trim().split(/=(.*)/s)
    return [name, value] as const
  })
