/** Parses the JSON envelope of replies and converts failures to typed errors. */
import * as Predicate from "effect/Predicate"
import {
  AuthenticationError,
  type ClientError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  SessionLostError
} from "../../AgbError.js"
import type { RetrySafety, SuccessRule } from "../wire/endpoints/endpoint.js"
import { visible } from "../wire/text/visibleText.js"

export type Json = Readonly<Record<string, unknown>>

export interface Envelope {
  readonly requestId: string | undefined
  readonly success: boolean
  readonly code: string
  readonly message: string
  /** All fields, including `data` and the paging fields of lists. */
  readonly fields: Json
}

/** A reply and the call it belongs to. */
export interface Received {
  readonly operation: string
  readonly status: number
  readonly sessionId: string | undefined
  readonly retrySafety: RetrySafety
  readonly retryAfter: string | undefined
  /** The time at which the server replied, by its own clock. */
  readonly date: string | undefined
  readonly envelope: Envelope
  /** Removes secrets from server text. */
  readonly redact: (text: string) => string
}

/** Prepares server text for errors, spans and logs: without the key, without control characters, and not too long. */
export const redactor = (apiKey: string) => (text: string): string =>
  visible(text.replaceAll(apiKey, "<redacted>").slice(0, 500)).slice(0, 500)

const text = (value: unknown): string => typeof value === "string" ? value : ""

/** Whether it has any field of an envelope. Other JSON comes from whatever answers in the server's place. */
export const isEnvelope = (value: unknown): value is Json =>
  Predicate.isRecord(value) && ("success" in value || "data" in value || "code" in value || "requestId" in value)

/** Some servers capitalize the field names, some wrap the envelope in `body`. */
const locate = (json: Json): Json => {
  if (isEnvelope(json)) return json
  if (isEnvelope(json["body"])) return json["body"]
  const inner = Predicate.isRecord(json["body"]) ? json["body"] as Json : json
  return "Success" in inner || "RequestId" in inner
    ? Object.fromEntries(
      Object.entries(inner).map(([key, value]) => [key.charAt(0).toLowerCase() + key.slice(1), value])
    )
    : json
}

/** Reads a value as an envelope. Anything else becomes a failed envelope; a text body becomes its message. */
export const read = (
  json: unknown,
  headerRequestId: string | undefined,
  redact: (text: string) => string
): Envelope => {
  const fields = Predicate.isRecord(json) ? locate(json as Json) : {}
  const requestId = text(fields["requestId"]) || headerRequestId
  return {
    requestId: requestId === undefined ? undefined : redact(requestId),
    success: fields["success"] === true,
    code: redact(text(fields["code"])),
    // Redact before truncating: a partial key is still a secret.
    message: typeof json === "string"
      ? redact(json.trim().slice(0, 4096)).slice(0, 200)
      : redact(text(fields["message"])),
    fields
  }
}

/** Classifies a reply by its endpoint's rule. `unknown` is a 2xx that reports neither success nor failure. */
export const classify = (
  rule: SuccessRule,
  status: number,
  { fields, success }: Envelope
): "success" | "failure" | "unknown" => {
  const data = Predicate.isRecord(fields["data"]) ? fields["data"] as Json : {}
  if (rule === "link" && status >= 200 && status < 300 && (fields["data"] ?? "") !== "") return "success"
  const good = rule === "data"
    ? status < 400 && data["success"] !== false && text(data["sessionId"]) !== ""
    : rule !== "link" && (rule === "strict" ? status === 200 : status < 400) && success
  if (good) return "success"
  return status >= 300 || fields["success"] === false || rule === "data" && data["success"] === false
    ? "failure"
    : "unknown"
}

/** The documented codes. Any other code or wording may be about something else, e.g. the owner of the session. */
export const isSessionGone = (code: string): boolean => /^Invalid(Mcp)?Session\.NotFound$/.test(code)

const detailOf = ({ fields, message }: Envelope): string => {
  const data = fields["data"]
  return (Predicate.isRecord(data) ? text(data["errMsg"]) : "") || message
}

/** No call may take longer, so no longer delay can be waited for. */
const day = 86_400_000

/** Parses an HTTP date; the form of `asctime` lacks the time zone. */
const parseDate = (text: string): number =>
  /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN

/**
 * Parses `Retry-After`: seconds, or an HTTP date, which is relative to `Date`, or to `now` without it. Invalid values, past
 * dates and delays over a day are ignored.
 */
const retryAfterMillis = ({ date, retryAfter }: Received, now: number): number | undefined => {
  const text = retryAfter?.trim() ?? ""
  const sent = date === undefined ? NaN : parseDate(date.trim())
  const millis = /^\d+(\.\d+)?$/.test(text)
    ? Number(text) * 1000
    : parseDate(text) - (Number.isNaN(sent) ? now : sent)
  return millis > 0 && millis <= day ? Math.ceil(millis) : undefined
}

/** Converts a failed reply to a typed error. `now` is in milliseconds since the epoch. */
export const failure = (received: Received, now: number): ClientError => {
  const { envelope, operation, retrySafety, sessionId, status } = received
  const { code, requestId } = envelope
  const call = { operation, requestId }
  const detail = received.redact(detailOf(envelope))
  if (status === 401 || status === 403 || status < 400 && /ApiKey|Unauthori[sz]ed|Forbidden|AccessDenied/i.test(code)) {
    return new AuthenticationError({ ...call, status, detail })
  }
  if (status === 429 || status < 500 && /^Throttling/i.test(code)) {
    return new RateLimitedError({ ...call, retryAfterMillis: retryAfterMillis(received, now), detail })
  }
  if (status >= 500 || status === 408) {
    const mayHaveHappened = retrySafety !== "safe"
    return new ServerError({
      ...call,
      status,
      code,
      retryAfterMillis: retryAfterMillis(received, now),
      detail,
      mayHaveHappened,
      retryable: retrySafety !== "unsafe"
    })
  }
  if (sessionId !== undefined && isSessionGone(code)) {
    return new SessionLostError({ ...call, sessionId, reason: "NotFound", mayHaveHappened: false })
  }
  return new RequestRejectedError({ ...call, status, code, detail })
}
