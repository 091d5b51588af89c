/** Copies a mapping in one direction, as single files or as one archive. */
import * as Effect from "effect/Effect"
import { uploadArchive } from "./archiveUpload.js"
import { archivePath, extractArchive, isArchived } from "./archiving.js"
import { download } from "./downloading.js"
import type { Direction, Mapping, Transfer, TransferFailure } from "./transfer.js"
import { listFiles, upload } from "./uploading.js"

/** An archive always contains the whole mapping, even where only a part of it is copied. */
const wholeMapping = (transfer: Transfer): Transfer => {
  const { mapping } = transfer
  const path = mapping.path.slice(0, mapping.path.length - (mapping.storedPath.length - mapping.base.length))
  return { ...transfer, mapping: { ...mapping, path, storedPath: mapping.base } }
}

const uploadMapping = (transfer: Transfer): Effect.Effect<void, TransferFailure> => {
  const isArchive = isArchived(transfer.mapping)
  const whole = isArchive ? wholeMapping(transfer) : transfer
  return Effect.flatMap(listFiles(whole), (files) => isArchive ? uploadArchive(whole, files) : upload(whole, files))
}

/** Maps the archive file itself, to a path beside the directory. */
const archiveFile = ({ mapping }: Transfer): Mapping => {
  const stored = archivePath(mapping)
  const policy = { ...mapping.policy, bwList: { whiteLists: [] } }
  return { ...mapping, path: `${mapping.path}.tar`, storedPath: stored, base: stored, policy }
}

const downloadMapping = (transfer: Transfer): Effect.Effect<void, TransferFailure> => {
  const { context, mapping } = transfer
  const archive = isArchived(mapping) ? context.files.find(archivePath(mapping)) : undefined
  if (archive === undefined) return download(transfer)
  const whole = wholeMapping(transfer)
  return Effect.zipRight(
    download(transfer),
    mapping.policy.extractPolicy.extract
      ? extractArchive(whole, archive)
      : download({ ...whole, mapping: archiveFile(whole) })
  )
}

export const copy = (transfer: Transfer, direction: Direction): Effect.Effect<void, TransferFailure> =>
  direction === "upload" ? uploadMapping(transfer) : downloadMapping(transfer)
