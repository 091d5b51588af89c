/** The envelope around every reply, and what its failures mean. */
import * as Predicate from "effect/Predicate"
import {
  AuthenticationError,
  type ClientError,
  RateLimitedError,
  RequestRejectedError,
  ServerError,
  SessionLostError
} from "../../AgbError.js"
import type { Judge, Repeat } from "../wire/endpoint.js"

export type Json = Readonly<Record<string, unknown>>

export interface Envelope {
  readonly requestId: string | undefined
  readonly success: boolean
  readonly code: string
  readonly message: string
  /** The whole object: `data` and the fields of lists are read from here. */
  readonly fields: Json
}

/** What a reply is judged by. */
export interface Received {
  readonly operation: string
  readonly status: number
  readonly sessionId: string | undefined
  readonly repeat: Repeat
  readonly retryAfter: string | undefined
  readonly envelope: Envelope
  /** Takes secrets out of the server's words. */
  readonly redact: (text: string) => string
}

const text = (value: unknown): string => typeof value === "string" ? value : ""

const isEnvelope = (value: unknown): value is Json =>
  Predicate.isRecord(value) && ("success" in value || "data" in value || "code" in value || "requestId" in value)

/** Some replies capitalise the fields, some wrap the envelope into `body`. */
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

/** Reads any value as an envelope; what is not one is an unsuccessful envelope without fields, text its message. */
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
    // Redacted before it is cut: half a key is a secret too.
    message: typeof json === "string"
      ? redact(json.trim().slice(0, 4096)).slice(0, 200)
      : redact(text(fields["message"])),
    fields
  }
}

/**
 * Whether the reply counts as a success by the rule of its endpoint. A 2xx that neither says so nor says the opposite
 * leaves the outcome open.
 */
export const verdict = (
  judge: Judge,
  status: number,
  { fields, success }: Envelope
): "success" | "failure" | "open" => {
  const data = Predicate.isRecord(fields["data"]) ? fields["data"] as Json : {}
  const good = judge === "data"
    ? status < 400 && data["success"] !== false && text(data["sessionId"]) !== ""
    : (judge === "strict" ? status === 200 : status < 400) && success
  if (good) return "success"
  return status >= 300 || fields["success"] === false || judge === "data" && data["success"] === false
    ? "failure"
    : "open"
}

const sessionGone = (status: number, { code, message }: Envelope): boolean =>
  /Session.*NotFound/i.test(code) || [200, 400, 404].includes(status) && /session\b.*\bnot ?found/i.test(message)

const detailOf = ({ fields, message }: Envelope): string => {
  const data = fields["data"]
  return (Predicate.isRecord(data) ? text(data["errMsg"]) : "") || message
}

const hour = 3_600_000

/** Seconds or a date; what cannot be read, lies in the past or is absurdly far away says nothing. */
const retryAfterMillis = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  const millis = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(millis) && millis > 0 && millis <= hour ? Math.ceil(millis) : undefined
}

/** The typed error of a reply that is no success. `now` is in milliseconds since the epoch. */
export const failure = (received: Received, now: number): ClientError => {
  const { envelope, operation, repeat, sessionId, status } = received
  const { code, requestId } = envelope
  const call = { operation, requestId }
  const detail = received.redact(detailOf(envelope))
  if (status === 401 || status === 403 || status < 400 && /ApiKey|Unauthori[sz]ed|Forbidden|AccessDenied/i.test(code)) {
    return new AuthenticationError({ ...call, status, detail })
  }
  if (status === 429 || status < 500 && /^Throttling/i.test(code)) {
    return new RateLimitedError({ ...call, retryAfterMillis: retryAfterMillis(received.retryAfter, now), detail })
  }
  if (status >= 500 || status === 408) {
    const mayHaveHappened = repeat !== "read"
    return new ServerError({ ...call, status, code, detail, mayHaveHappened, retryable: repeat !== "once" })
  }
  if (sessionId !== undefined && sessionGone(status, envelope)) {
    return new SessionLostError({ ...call, sessionId, reason: "NotFound", mayHaveHappened: false })
  }
  return new RequestRejectedError({ ...call, status, code, detail })
}
