/**
 * The names and result shapes of the official TypeScript SDK v0.12, for programs that were written for it: change their import.
 * It is not part of the index: import it from `@effect-agb/platform-node/compat`.
 *
 * Everything is sent by the promise API of this package. Failures are results with `success: false`, as in the official SDK, and
 * what that throws is thrown here too. The differences are in the guide "Moving from the official SDK".
 *
 * @since 0.1.0
 */
/// <reference lib="esnext.disposable" preserve="true" />
export {
  AGB,
  type GetSessionData,
  type GetSessionResult,
  type SessionListResult,
  type SessionResult
} from "./internal/compat/agb.js"

export {
  BrowserContext,
  type BrowserFields,
  type BrowserFields as ActOptions,
  type BrowserFields as ActResult,
  type BrowserFields as BrowserFingerprint,
  type BrowserFields as BrowserOption,
  type BrowserFields as BrowserScreen,
  type BrowserFields as BrowserViewport,
  type BrowserFields as ExtractOptions,
  type BrowserFields as ObserveOptions,
  type BrowserFields as ObserveResult,
  BrowserFingerprintContext,
  BrowserFingerprintGenerator,
  BrowserOptionClass,
  BrowserProxy,
  ExtensionOption,
  FingerprintFormat
} from "./internal/compat/browserOptions.js"

export {
  Code,
  type CodeExecutionFailure,
  type CodeExecutionItem,
  type CodeExecutionLogs,
  type CodeRunOptions,
  type EnhancedCodeExecutionResult
} from "./internal/compat/code.js"

export { Command, type CommandResult } from "./internal/compat/command.js"

export {
  type ContextInfoResult,
  ContextManager,
  type ContextStatusData,
  type ContextSyncResult
} from "./internal/compat/contextManager.js"

export {
  type ClearContextResult,
  Context,
  type ContextChangeResult,
  type ContextFileEntry,
  type ContextFileListResult,
  type ContextListParams,
  type ContextListResult,
  type ContextResult,
  ContextService,
  type FileUrlResult
} from "./internal/compat/contextService.js"

export {
  type BWList,
  ContextSync,
  type DeletePolicy,
  type DownloadPolicy,
  DownloadStrategy,
  type ExtractPolicy,
  Lifecycle,
  type MappingPolicy,
  newContextSync,
  newDeletePolicy,
  newDownloadPolicy,
  newExtractPolicy,
  newRecyclePolicy,
  newSyncPolicy,
  newUploadPolicy,
  type RecyclePolicy,
  type SyncPolicy,
  UploadMode,
  type UploadPolicy,
  UploadStrategy,
  type WhiteList
} from "./internal/compat/contextSync.js"

export { type CreateSessionOptions, CreateSessionParams } from "./internal/compat/createSessionParams.js"

export {
  AGBError,
  APIError,
  ApplicationError,
  AuthenticationError,
  BrowserError,
  ClearanceTimeoutError,
  CommandError,
  FileError,
  ScreenError,
  SessionError,
  WsCancelledError,
  WsConnectionClosedError,
  WsError,
  WsHandshakeRejectedError,
  WsProtocolError,
  WsRemoteError
} from "./internal/compat/errors.js"

export {
  type BinaryFileContentResult,
  type BoolResult,
  type DirectoryEntry,
  type DirectoryListResult,
  type FileChangeResult,
  type FileContentResult,
  type FileInfo,
  type FileInfoResult,
  type FileSearchResult,
  FileSystem,
  type MultipleFileContentResult,
  type WriteMode
} from "./internal/compat/fileSystem.js"

export {
  type DownloadOptions,
  type DownloadResult,
  type TransferOptions,
  type UploadOptions,
  type UploadResult
} from "./internal/compat/fileTransfer.js"

export {
  Browser,
  Computer,
  ExtensionsService,
  MouseButton,
  type NotOffered,
  type Rejecting,
  ScrollDirection
} from "./internal/compat/notOffered.js"

export type { ApiResponse } from "./internal/compat/results.js"

export {
  type DeleteResult,
  type McpTool,
  type McpToolResult,
  type McpToolsResult,
  type OperationResult,
  Session,
  type SessionMetrics,
  type SessionMetricsResult,
  type SessionStatusResult
} from "./internal/compat/session.js"

export { type AGBOptions, Config } from "./internal/compat/settings.js"

export type { WatchHandle } from "./internal/compat/watch.js"
