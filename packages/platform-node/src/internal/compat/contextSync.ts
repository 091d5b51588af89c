/** Directories of a session that contexts persist, and the policies of their synchronization. */
import { Lifecycle as Retention } from "@effect-agb/core/AgbApi"
import type { ContextMount, PolicyInput } from "@effect-agb/core/CreateSessionParams"

const same = <const Values extends ReadonlyArray<string>>(...values: Values) =>
  Object.freeze(Object.fromEntries(values.map((value) => [value, value]))) as {
    readonly [Value in Values[number]]: Value
  }

/**
 * When a directory is saved.
 *
 * @since 0.1.0
 * @category constants
 */
export const UploadStrategy = same("UploadBeforeResourceRelease")

/**
 * When the content of a context arrives in the session.
 *
 * @since 0.1.0
 * @category constants
 */
export const DownloadStrategy = same("DownloadAsync")

/**
 * Whether files are saved one by one or as an archive.
 *
 * @since 0.1.0
 * @category constants
 */
export const UploadMode = same("File", "Archive")

/**
 * How long the content of a context is kept.
 *
 * @since 0.1.0
 * @category constants
 */
export const Lifecycle = same(...Retention.literals)

/**
 * When a directory is saved, and in which form.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadPolicy {
  autoUpload?: boolean
  uploadStrategy?: keyof typeof UploadStrategy
  uploadMode?: keyof typeof UploadMode
}

/**
 * Whether the content of the context is brought into the session.
 *
 * @since 0.1.0
 * @category models
 */
export interface DownloadPolicy {
  autoDownload?: boolean
  downloadStrategy?: keyof typeof DownloadStrategy
}

/**
 * Whether files that the session deletes are deleted in the context.
 *
 * @since 0.1.0
 * @category models
 */
export interface DeletePolicy {
  syncLocalFile?: boolean
}

/**
 * What becomes of archives that are brought into the session.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExtractPolicy {
  extract?: boolean
  deleteSrcFile?: boolean
  extractCurrentFolder?: boolean
}

/**
 * How long which paths are kept. Paths have no wildcards.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecyclePolicy {
  lifecycle?: keyof typeof Lifecycle
  paths?: Array<string>
}

/**
 * A path that is synchronized, except for some below it.
 *
 * @since 0.1.0
 * @category models
 */
export interface WhiteList {
  path: string
  excludePaths?: Array<string>
}

/**
 * Which paths are synchronized. Default: all.
 *
 * @since 0.1.0
 * @category models
 */
export interface BWList {
  whiteLists?: Array<WhiteList>
}

/**
 * Another directory of the session into which the content goes.
 *
 * @since 0.1.0
 * @category models
 */
export interface MappingPolicy {
  path: string
}

/**
 * How a directory and a context are synchronized. Absent parts have the defaults of `newSyncPolicy`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SyncPolicy {
  uploadPolicy?: UploadPolicy
  downloadPolicy?: DownloadPolicy
  deletePolicy?: DeletePolicy
  extractPolicy?: ExtractPolicy
  recyclePolicy?: RecyclePolicy
  bwList?: BWList
  mappingPolicy?: MappingPolicy
}

/**
 * The defaults: saves all of a directory, file by file, before the session ends.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newUploadPolicy = (): UploadPolicy => ({
  autoUpload: true,
  uploadStrategy: "UploadBeforeResourceRelease",
  uploadMode: "File"
})

/**
 * The defaults: brings the content into the session when it is created.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newDownloadPolicy = (): DownloadPolicy => ({ autoDownload: true, downloadStrategy: "DownloadAsync" })

/**
 * The defaults: deleted files are deleted in the context as well.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newDeletePolicy = (): DeletePolicy => ({ syncLocalFile: true })

/**
 * The defaults: archives are extracted into a folder of their own and deleted.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newExtractPolicy = (): ExtractPolicy => ({
  extract: true,
  deleteSrcFile: true,
  extractCurrentFolder: false
})

/**
 * The defaults: everything is kept for ever.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newRecyclePolicy = (): RecyclePolicy => ({ lifecycle: "Lifecycle_Forever", paths: [""] })

/**
 * A policy with the defaults of every part.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newSyncPolicy = (): SyncPolicy => ({
  uploadPolicy: newUploadPolicy(),
  downloadPolicy: newDownloadPolicy(),
  deletePolicy: newDeletePolicy(),
  extractPolicy: newExtractPolicy(),
  recyclePolicy: newRecyclePolicy(),
  bwList: { whiteLists: [] }
})

/**
 * A directory of a session and the context that persists it. Without a policy it has the defaults; the official SDK drops
 * such a directory.
 *
 * @since 0.1.0
 * @category models
 */
export class ContextSync {
  contextId: string
  path: string
  policy?: SyncPolicy

  constructor(contextId: string, path: string, policy?: SyncPolicy) {
    this.contextId = contextId
    this.path = path
    if (policy !== undefined) this.policy = policy
  }

  static new(contextId: string, path: string, policy?: SyncPolicy): ContextSync {
    return new ContextSync(contextId, path, policy)
  }

  withPolicy(policy: SyncPolicy): this {
    this.policy = policy
    return this
  }
}

/**
 * The same as `new ContextSync`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const newContextSync = (contextId: string, path: string, policy?: SyncPolicy): ContextSync =>
  new ContextSync(contextId, path, policy)

/** On the wire one field has another name. */
const policyOf = ({ extractPolicy, ...rest }: SyncPolicy): PolicyInput => {
  if (extractPolicy === undefined) return rest
  const { extractCurrentFolder, ...extraction } = extractPolicy
  const folder = extractCurrentFolder === undefined ? {} : { extractToCurrentFolder: extractCurrentFolder }
  return { ...rest, extractPolicy: { ...extraction, ...folder } }
}

export const mountOf = (
  { contextId, path, policy }: Pick<ContextSync, "contextId" | "path" | "policy">
): ContextMount => ({
  context: contextId,
  path,
  ...(policy === undefined ? {} : { policy: policyOf(policy) })
})
