/** What a failed exchange means for the call that it was made for. */
import { LimitExceededError, TransportError } from "../../AgbError.js"
import type { Repeat } from "../wire/endpoint.js"
import type { ExchangeError } from "./exchange.js"

export interface Call {
  readonly operation: string
  readonly repeat: Repeat
}

export const fromExchange = (
  { operation, repeat }: Call,
  { code, reason }: ExchangeError,
  maxBytes: number
): TransportError | LimitExceededError => {
  const sent = reason !== "Unreachable"
  const mayHaveHappened = sent && repeat !== "read"
  return reason === "TooLarge"
    ? new LimitExceededError({ operation, what: "the reply", limit: maxBytes, mayHaveHappened })
    : new TransportError({ operation, reason, detail: code, mayHaveHappened, retryable: !sent || repeat !== "once" })
}
