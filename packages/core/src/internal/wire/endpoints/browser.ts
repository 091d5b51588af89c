/** Endpoints of browser images: starts the browser and returns its DevTools address. */
import * as Schema from "effect/Schema"
import { JsonObject, jsonText, nonBlank, optional } from "../codecs.js"
import { SessionId } from "../models.js"
import { data, empty, endpoint } from "./endpoint.js"

/**
 * Starts the browser of a session. `browserOption` holds the client's browser options.
 */
export const initBrowser = endpoint({
  name: "initBrowser",
  method: "POST",
  path: "/browser/init",
  query: () =>
    Schema.Struct({
      sessionId: SessionId,
      persistentPath: optional(Schema.String),
      browserOption: optional(jsonText(JsonObject))
    }),
  body: () => empty,
  reply: () => data(Schema.Struct({ port: Schema.Int })),
  retrySafety: "idempotent",
  successRule: "strict"
})

/**
 * Returns the URL of the session's Chrome DevTools Protocol endpoint.
 */
export const getCdpLink = endpoint({
  name: "getCdpLink",
  method: "POST",
  path: "/internet/getCdpLink",
  query: () => Schema.Struct({ sessionId: SessionId }),
  body: () => empty,
  reply: () => data(Schema.Struct({ url: nonBlank("a URL") })),
  retrySafety: "safe",
  successRule: "strict"
})
