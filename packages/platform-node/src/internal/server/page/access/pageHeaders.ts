/** The headers of every reply on a page's host: what its documents may load and who may frame them, and that nothing is kept. */

const shared = {
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store"
}

/** `'self'` does not cover WebSockets in every browser. xterm.js sets styles of its own; scripts come from files only. */
export const pageHeaders = (host: string): Readonly<Record<string, string>> => ({
  ...shared,
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ws://${host}`,
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
})

/** What a session displays has no origin: it runs scripts, and reaches neither the page, nor its cookie, nor any server. */
export const frameHeaders = (host: string): Readonly<Record<string, string>> => ({
  ...shared,
  "content-security-policy": [
    "sandbox allow-scripts",
    "default-src 'none'",
    "script-src 'unsafe-inline' 'unsafe-eval'",
    "style-src 'unsafe-inline'",
    "img-src data: blob:",
    "font-src data:",
    "media-src data: blob:",
    "connect-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    `frame-ancestors http://${host}`
  ].join("; ")
})

/** The names of assets carry a digest of their content. */
export const immutable = { "cache-control": "private, max-age=31536000, immutable" }
