/**
 * Declarations of the endpoints of the AGB API. The client (`AgbClient`) and the server (`AgbServer`) are derived from them.
 *
 * A request is one flat record; the schemas `query` and `body` assign its fields and their wire names. A reply is decoded
 * from the fields of the envelope, so that lists can have `nextToken` and `count` beside `data`.
 *
 * @since 0.1.0
 */
import * as browser from "./internal/wire/endpoints/browser.js"
import * as contexts from "./internal/wire/endpoints/contexts.js"
import * as sessions from "./internal/wire/endpoints/sessions.js"
import * as tools from "./internal/wire/endpoints/tools.js"

export {
  /**
   * Declaration of an endpoint.
   *
   * @since 0.1.0
   * @category models
   */
  type Endpoint,
  /**
   * The decoded reply of an endpoint.
   *
   * @since 0.1.0
   * @category models
   */
  type ReplyOf,
  /**
   * The request of an endpoint: the fields of its query and body.
   *
   * @since 0.1.0
   * @category models
   */
  type RequestOf,
  /**
   * Whether a call may be retried after an ambiguous failure: `safe`, `idempotent` or `unsafe` (RFC 9110, 9.2).
   *
   * @since 0.1.0
   * @category models
   */
  type RetrySafety,
  /**
   * Rule that classifies a reply as success: `strict`, `lenient`, `data` or `link`.
   *
   * @since 0.1.0
   * @category models
   */
  type SuccessRule
} from "./internal/wire/endpoints/endpoint.js"

export {
  /**
   * Connection parameters for the viewer of a desktop image.
   *
   * @since 0.1.0
   * @category schemas
   */
  DesktopInfo,
  /**
   * Id of an image: a non-blank string.
   *
   * @since 0.1.0
   * @category schemas
   */
  ImageId,
  /**
   * Labels of a session: non-blank names and values.
   *
   * @since 0.1.0
   * @category schemas
   */
  Labels,
  /**
   * Opaque id of a session: a non-blank string.
   *
   * @since 0.1.0
   * @category schemas
   */
  SessionId,
  /**
   * A tool offered by an image.
   *
   * @since 0.1.0
   * @category schemas
   */
  ToolDescription,
  /**
   * Reply of a tool.
   *
   * @since 0.1.0
   * @category schemas
   */
  ToolReply
} from "./internal/wire/models.js"

export {
  /**
   * The entry in the tool list of a session by which a server announces that it takes `CancelRun`. It is no tool.
   *
   * @since 0.1.0
   * @category constants
   */
  cancelAnnouncement,
  /**
   * Data of a client frame that ends a running call, under the id of that call.
   *
   * @since 0.1.0
   * @category schemas
   */
  CancelRun,
  /**
   * A frame sent by a WebSocket client.
   *
   * @since 0.1.0
   * @category schemas
   */
  ClientFrame,
  /**
   * Correlation id of one call over a WebSocket.
   *
   * @since 0.1.0
   * @category schemas
   */
  InvocationId,
  /**
   * A frame sent by the server over a WebSocket.
   *
   * @since 0.1.0
   * @category schemas
   */
  ServerFrame,
  /**
   * Data of the client frame that starts a run with streamed output.
   *
   * @since 0.1.0
   * @category schemas
   */
  StreamCall,
  /**
   * Data of a server frame: output, a result, the end or an error.
   *
   * @since 0.1.0
   * @category schemas
   */
  StreamData
} from "./internal/wire/frames.js"

export {
  /**
   * Reply of the link route: `data` contains the tool's reply as JSON text.
   *
   * @since 0.1.0
   * @category schemas
   */
  LinkAnswer,
  /**
   * Body of a POST to the link route of a session: a tool, its arguments and a client-chosen id.
   *
   * @since 0.1.0
   * @category schemas
   */
  LinkCall
} from "./internal/wire/endpoints/link.js"

export {
  /**
   * Retention period of the content of a context.
   *
   * @since 0.1.0
   * @category schemas
   */
  Lifecycle,
  /**
   * A session directory and the context that persists it.
   *
   * @since 0.1.0
   * @category schemas
   */
  PersistenceData,
  /**
   * The session directories persisted in contexts, at most 100.
   *
   * @since 0.1.0
   * @category schemas
   */
  PersistenceDataList,
  /**
   * Synchronization policy between a session and a context: when to upload and download, which paths, and the retention.
   *
   * @since 0.1.0
   * @category schemas
   */
  SyncPolicy
} from "./internal/wire/persistence.js"

export {
  /**
   * Named storage that outlives sessions.
   *
   * @since 0.1.0
   * @category schemas
   */
  ContextDescription,
  /**
   * A file or a folder of a context.
   *
   * @since 0.1.0
   * @category schemas
   */
  ContextFile,
  /**
   * One synchronization between a session and a context.
   *
   * @since 0.1.0
   * @category schemas
   */
  SyncItem
} from "./internal/wire/contextModels.js"

/**
 * All endpoints by name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const endpoints = { ...sessions, ...tools, ...browser, ...contexts } as const

/**
 * Type of `endpoints`.
 *
 * @since 0.1.0
 * @category models
 */
export type Endpoints = typeof endpoints

/**
 * Name of an endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export type EndpointName = keyof Endpoints
