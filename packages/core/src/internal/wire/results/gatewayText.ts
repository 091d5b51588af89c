/** Recognizes pages and one-line texts of proxies and load balancers, which may stand where the text of a tool belongs. */

const markup = /^\s*(<!--[\s\S]*?-->\s*)*<(!doctype\s+html|\?xml|html|head|title|body|center|h1)\b/i

/** Envoy adds its own reasons to these. */
const envoy =
  /^\s*(upstream (connect error|request timeout|timed out|reset|unavailable)|no healthy upstream|stream timeout)/i

const reasons = [
  "(bad|invalid) gateway",
  "gateway time-?out",
  "(service|server|backend) (is )?(temporarily )?(unavailable|overloaded)",
  "internal server error",
  "too many requests",
  "request entity too large",
  "default backend - \\d+",
  "backend fetch failed",
  "error code: \\d+",
  "rbac: access denied",
  "no route matched.*",
  "404 page not found",
  "local_rate_limited"
]

/** Ordinary words, unless a status code stands before them. */
const statusReasons = [
  "bad request",
  "unauthorized",
  "forbidden",
  "not found",
  "request time-?out",
  "payload too large"
]

const oneLine = new RegExp(
  `^\\s*(http/\\d(\\.\\d)?\\s+)?(([45]\\d\\d\\s*[:-]?\\s*)?(${reasons.join("|")})|[45]\\d\\d\\s*[:-]?\\s*(${
    statusReasons.join("|")
  }))[.!]?\\s*$`,
  "i"
)

export const isGatewayText = (text: string): boolean => {
  const start = text.slice(0, 4096)
  return markup.test(start) || envoy.test(start) || text.length < 256 && oneLine.test(text)
}
