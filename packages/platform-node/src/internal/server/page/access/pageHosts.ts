/** The host names of pages. Each session has one of its own, so that a browser keeps their cookies and scripts apart. */

/** What the page of a host name shows: the session of this id, or the runtime. */
export type PageTarget = { readonly kind: "session"; readonly sessionId: string } | { readonly kind: "runtime" }

export const runtimeTarget: PageTarget = { kind: "runtime" }

/** Every browser resolves names below `localhost` to this machine (RFC 6761, 6.3). */
const pattern = /^(?:(s-[a-z\d]{1,64})|runtime)\.localhost(?::(\d+))?$/

const labelOf = (target: PageTarget): string => target.kind === "runtime" ? "runtime" : target.sessionId

/** The `Host` header of a page, which browsers leave without the default port. */
export const pageHost = (target: PageTarget, port: number): string =>
  port === 80 ? `${labelOf(target)}.localhost` : `${labelOf(target)}.localhost:${port}`

/** Which page a `Host` header names; undefined for all other hosts, and for those of another port. */
export const targetOf = (host: string | undefined, port: number): PageTarget | undefined => {
  const name = host?.toLowerCase()
  const found = name === undefined ? null : pattern.exec(name)
  if (found === null) return undefined
  const [, sessionId] = found
  const target: PageTarget = sessionId === undefined ? runtimeTarget : { kind: "session", sessionId }
  return name === pageHost(target, port) || name === `${labelOf(target)}.localhost:${port}` ? target : undefined
}
