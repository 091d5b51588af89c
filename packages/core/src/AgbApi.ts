/**
 * The endpoints of the AGB API as data. The client encodes requests and decodes replies with these records, the server
 * side (`AgbServer`) does the reverse, and nothing about an endpoint stands anywhere else.
 *
 * A request is one flat record; `query` and `body` say which of its fields travel where and under which name. A reply
 * is read from the fields of the envelope, so that lists can have their `nextToken` and `count` beside `data`.
 *
 * @since 0.1.0
 */
import * as browser from "./internal/wire/browser.js"
import * as contexts from "./internal/wire/contexts.js"
import * as sessions from "./internal/wire/sessions.js"
import * as tools from "./internal/wire/tools.js"

export {
  /**
   * How an endpoint is declared.
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
   * The request of an endpoint, query and body together.
   *
   * @since 0.1.0
   * @category models
   */
  type RequestOf,
  /**
   * How safely a call may be repeated.
   *
   * @since 0.1.0
   * @category models
   */
  type RetrySafety,
  /**
   * When a reply counts as a success.
   *
   * @since 0.1.0
   * @category models
   */
  type SuccessRule
} from "./internal/wire/endpoint.js"

export {
  /**
   * What a viewer needs to connect to a desktop image.
   *
   * @since 0.1.0
   * @category schemas
   */
  DesktopInfo,
  /**
   * The name of an image.
   *
   * @since 0.1.0
   * @category schemas
   */
  ImageId,
  /**
   * Labels of a session.
   *
   * @since 0.1.0
   * @category schemas
   */
  Labels,
  /**
   * The opaque id of a session.
   *
   * @since 0.1.0
   * @category schemas
   */
  SessionId,
  /**
   * A tool that an image offers.
   *
   * @since 0.1.0
   * @category schemas
   */
  ToolDescription,
  /**
   * A tool's answer.
   *
   * @since 0.1.0
   * @category schemas
   */
  ToolReply
} from "./internal/wire/models.js"

export {
  /**
   * What a frame of a WebSocket client is wrapped in.
   *
   * @since 0.1.0
   * @category schemas
   */
  ClientFrame,
  /**
   * The id of one call over a WebSocket.
   *
   * @since 0.1.0
   * @category schemas
   */
  InvocationId,
  /**
   * A frame of the server over a WebSocket.
   *
   * @since 0.1.0
   * @category schemas
   */
  ServerFrame,
  /**
   * The data of a frame that starts a run of code, whose output comes as it is produced.
   *
   * @since 0.1.0
   * @category schemas
   */
  StreamCall,
  /**
   * The data of a frame of the server: output, results, and one end or error.
   *
   * @since 0.1.0
   * @category schemas
   */
  StreamData
} from "./internal/wire/frames.js"

export {
  /**
   * What the link route answers: the answer of the tool is JSON text under `data`.
   *
   * @since 0.1.0
   * @category schemas
   */
  LinkAnswer,
  /**
   * What is posted to the link route of a session: a tool, its arguments, and an id that the client makes.
   *
   * @since 0.1.0
   * @category schemas
   */
  LinkCall
} from "./internal/wire/link.js"

export {
  /**
   * How long what a context holds is kept.
   *
   * @since 0.1.0
   * @category schemas
   */
  Lifecycle,
  /**
   * A directory of a session and the context that keeps it.
   *
   * @since 0.1.0
   * @category schemas
   */
  PersistenceData,
  /**
   * The directories of a session that are kept in contexts.
   *
   * @since 0.1.0
   * @category schemas
   */
  PersistenceDataList,
  /**
   * What a session does with a context: when it uploads and downloads, what of it, and for how long it is kept.
   *
   * @since 0.1.0
   * @category schemas
   */
  SyncPolicy
} from "./internal/wire/persistence.js"

export {
  /**
   * Storage that outlives sessions.
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
   * One copy between a session and a context.
   *
   * @since 0.1.0
   * @category schemas
   */
  SyncItem
} from "./internal/wire/contextModels.js"

/**
 * Every endpoint by name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const endpoints = { ...sessions, ...tools, ...browser, ...contexts } as const

/**
 * @since 0.1.0
 * @category models
 */
export type Endpoints = typeof endpoints

/**
 * @since 0.1.0
 * @category models
 */
export type EndpointName = keyof Endpoints
