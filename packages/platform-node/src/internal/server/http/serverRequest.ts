import { IncomingMessage } from "node:http"

/**
 * A request as the servers here read it: an offer to go on in HTTP/2 is ignored, as HTTP allows (RFC 9110, 7.8). Java's
 * client makes it in every request.
 *
 * Node writes `upgrade` when it has parsed the headers, and reads it to know whether the connection leaves HTTP.
 */
export class ServerRequest extends IncomingMessage {
  declare private asked: boolean | null

  get upgrade(): boolean {
    return this.asked === true && this.headers.upgrade?.toLowerCase() !== "h2c"
  }

  set upgrade(asked: boolean | null) {
    this.asked = asked
  }
}
