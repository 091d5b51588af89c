import { IncomingMessage } from "node:http"

/**
 * A request that ignores offers to upgrade to HTTP/2 (RFC 9110, 7.8), which Java's client makes in every request.
 *
 * Node sets `upgrade` after parsing the headers, and reads it to decide whether the connection leaves HTTP.
 */
export class ServerRequest extends IncomingMessage {
  declare private requestsUpgrade: boolean | null

  get upgrade(): boolean {
    return this.requestsUpgrade === true && this.headers.upgrade?.toLowerCase() !== "h2c"
  }

  set upgrade(value: boolean | null) {
    this.requestsUpgrade = value
  }
}
