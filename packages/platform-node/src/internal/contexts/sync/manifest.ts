/**
 * What a session has had of one context since its copies: by this it is told what the session changed, and what others changed
 * meanwhile.
 */
import type { ContextFiles, StoredFile } from "../store/contextFiles.js"
import { isWithin } from "./contextPaths.js"

/** The version of a file at its last copy: its content in the context, and its stamp in the session. */
export interface SyncedVersion {
  readonly blob: string
  readonly stamp: string
}

/** A member of an archive at its last copy: its stamp in the session, and the digest of its content. */
export interface SyncedMember {
  readonly stamp: string
  readonly digest: string
}

export class Manifest {
  /** By path in the context. */
  readonly versions = new Map<string, SyncedVersion>()
  readonly #archives = new Map<string, Map<string, SyncedMember>>()
  readonly #files: ContextFiles
  readonly #since: number
  readonly #downloaded = new Set<string>()

  constructor(files: ContextFiles) {
    this.#files = files
    this.#since = files.serial
  }

  /** From now on the session changes the files of this folder; those that it did not get, it must not replace. */
  addDownload(folder: string): void {
    this.#downloaded.add(folder)
  }

  /** What the session has had of an archive, by path in it. */
  members(archive: string): Map<string, SyncedMember> {
    const known = this.#archives.get(archive) ?? new Map<string, SyncedMember>()
    this.#archives.set(archive, known)
    return known
  }

  /** Whether that version is the one that the session has changed, so that nobody else's change is lost. */
  mayReplace(path: string, current: StoredFile | undefined): boolean {
    if (current === undefined) return true
    const known = this.versions.get(path)
    if (known !== undefined) return known.blob === current.blob
    const isDownloaded = [...this.#downloaded].some((folder) => isWithin(path, folder))
    return !isDownloaded && this.#files.serialOf(current) <= this.#since
  }
}

const maxNameBytes = 255

/** The path beside another for the version that must not replace it. */
export const conflictPath = (path: string, session: string): string => {
  const end = `.conflict-${session}`
  const start = path.lastIndexOf("/") + 1
  let name = path.slice(start)
  while (Buffer.byteLength(name + end) > maxNameBytes) name = [...name].slice(0, -1).join("")
  return path.slice(0, start) + name + end
}
