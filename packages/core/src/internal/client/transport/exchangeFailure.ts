/** Converts a failed HTTP exchange to the typed error of its call. */
import { LimitExceededError, TransportError } from "../../../AgbError.js"
import type { RetrySafety } from "../../wire/endpoints/endpoint.js"
import { type ExchangeError, isRejectedCertificate } from "./exchange.js"

export interface Call {
  readonly operation: string
  readonly retrySafety: RetrySafety
}

export const fromExchange = (
  { operation, retrySafety }: Call,
  { code, reason }: ExchangeError,
  maxBytes: number
): TransportError | LimitExceededError => {
  const sent = reason !== "Unreachable"
  const mayHaveHappened = sent && retrySafety !== "safe"
  const isUntrusted = !sent && isRejectedCertificate(code)
  return reason === "TooLarge"
    ? new LimitExceededError({ operation, what: "the reply", limit: maxBytes, mayHaveHappened })
    : new TransportError({
      operation,
      reason,
      detail: isUntrusted ? `its TLS certificate was rejected (${code})` : code,
      mayHaveHappened,
      retryable: !isUntrusted && (!sent || retrySafety !== "unsafe")
    })
}
