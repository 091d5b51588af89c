/**
 * The endpoints of the AGB API as data. The client encodes requests and decodes replies with these records, the server
 * side (`AgbServer`) does the reverse, and nothing about an endpoint stands anywhere else.
 *
 * A request is one flat record; `query` and `body` say which of its fields travel where and under which name. A reply
 * is read from the fields of the envelope, so that lists can have their `nextToken` and `count` beside `data`.
 *
 * @since 0.1.0
 */
import * as sessions from "./internal/api/sessions.js"
import * as tools from "./internal/api/tools.js"

export {
  /**
   * How an endpoint is declared.
   *
   * @since 0.1.0
   * @category models
   */
  type Endpoint,
  /**
   * When a reply counts as a success.
   *
   * @since 0.1.0
   * @category models
   */
  type Judge,
  /**
   * How safely a call may be repeated.
   *
   * @since 0.1.0
   * @category models
   */
  type Repeat,
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
  type RequestOf
} from "./internal/api/endpoint.js"

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
} from "./internal/api/models.js"

/**
 * Every endpoint by name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const endpoints = { ...sessions, ...tools } as const

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
