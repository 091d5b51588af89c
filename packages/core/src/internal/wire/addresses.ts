/** Addresses that may be given a credential. */

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether a host name, as in a URL, is that of this machine. */
export const isLoopback = (hostname: string): boolean => loopback.test(hostname)

/**
 * Parses an address that a server gave for a session: encrypted, unless its host is a loopback address, and without
 * credentials in it. Any other must not be given the token of the session and counts as none.
 */
export const parseSecure = (text: string | undefined, scheme: "http" | "ws"): URL | undefined => {
  if (text === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined
  return url.protocol === `${scheme}s:` || url.protocol === `${scheme}:` && isLoopback(url.hostname) ? url : undefined
}
