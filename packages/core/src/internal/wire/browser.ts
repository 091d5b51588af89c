/** The endpoints of browser images: starting the browser, and its DevTools address. */
import * as Schema from "effect/Schema"
import { filled, JsonObject, jsonText } from "./codecs.js"
import { data, endpoint, nothing, optional } from "./endpoint.js"
import { SessionId } from "./models.js"

/**
 * Starts the browser of a session. `browserOption` is a record of the options that the client was given.
 */
export const initBrowser = endpoint({
  name: "initBrowser",
  method: "POST",
  path: "/browser/init",
  query: Schema.Struct({
    sessionId: SessionId,
    persistentPath: optional(Schema.String),
    browserOption: optional(jsonText(JsonObject))
  }),
  body: nothing,
  reply: data(Schema.Struct({ port: Schema.Int })),
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * Where the browser of a session speaks the Chrome DevTools protocol.
 */
export const getCdpLink = endpoint({
  name: "getCdpLink",
  method: "POST",
  path: "/internet/getCdpLink",
  query: Schema.Struct({ sessionId: SessionId }),
  body: nothing,
  reply: data(Schema.Struct({ url: filled("a URL") })),
  retrySafety: "safe",
  successRule: "strict"
})
