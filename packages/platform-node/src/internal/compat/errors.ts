/** Error classes under the names of the official SDK. */
import type * as Core from "@effect-agb/core/AgbError"

/**
 * Base of all errors that are thrown. `extra` has details, `cause` the typed error of this SDK if there is one.
 *
 * @since 0.1.0
 * @category errors
 */
export class AGBError extends Error {
  override readonly name: string = "AGBError"
  readonly extra: Readonly<Record<string, unknown>>

  constructor(message: string, extra: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(message, options)
    this.extra = extra
  }
}

/**
 * There is no API key.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthenticationError extends AGBError {
  override readonly name: string = "AuthenticationError"
}

/**
 * A request to the API failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class APIError extends AGBError {
  override readonly name: string = "APIError"
  /** Status of the reply, 0 if there was none. */
  readonly statusCode: number

  constructor(message: string, statusCode = 0, extra?: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    super(message, extra, options)
    this.statusCode = statusCode
  }
}

/**
 * A file operation failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class FileError extends AGBError {
  override readonly name: string = "FileError"
}

/**
 * A command failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class CommandError extends AGBError {
  override readonly name: string = "CommandError"
}

/**
 * A call on a session failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionError extends AGBError {
  override readonly name: string = "SessionError"
}

/**
 * An application of the desktop failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ApplicationError extends AGBError {
  override readonly name: string = "ApplicationError"
}

/**
 * The browser failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class BrowserError extends AGBError {
  override readonly name: string = "BrowserError"
}

/**
 * The screen failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class ScreenError extends AGBError {
  override readonly name: string = "ScreenError"
}

/**
 * A context was not cleared in time.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClearanceTimeoutError extends AGBError {
  override readonly name: string = "ClearanceTimeoutError"
}

/**
 * Base of the errors of a streamed run, which `onError` is called with.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsError extends AGBError {
  override readonly name: string = "WsError"
}

/**
 * A message of the server is malformed.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsProtocolError extends WsError {
  override readonly name: string = "WsProtocolError"
}

/**
 * The server refused the connection.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsHandshakeRejectedError extends WsError {
  override readonly name: string = "WsHandshakeRejectedError"
}

/**
 * The connection was lost, or the server broke off the run: it may have happened.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsConnectionClosedError extends WsError {
  override readonly name: string = "WsConnectionClosedError"
}

/**
 * The server reported an error.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsRemoteError extends WsError {
  override readonly name: string = "WsRemoteError"
}

/**
 * The call was cancelled.
 *
 * @since 0.1.0
 * @category errors
 */
export class WsCancelledError extends WsError {
  override readonly name: string = "WsCancelledError"
}

const ofStreams: Readonly<Partial<Record<Core.AgbError["_tag"], typeof WsError>>> = {
  ExecutionUnknownError: WsConnectionClosedError,
  TransportError: WsConnectionClosedError,
  MalformedResponseError: WsProtocolError,
  RequestRejectedError: WsHandshakeRejectedError,
  ServerError: WsRemoteError,
  RateLimitedError: WsRemoteError,
  ToolError: WsRemoteError
}

/** The error of a streamed run. */
export const ofStream = (error: Core.AgbError): WsError =>
  new (ofStreams[error._tag] ?? WsError)(error.message, {}, { cause: error })
