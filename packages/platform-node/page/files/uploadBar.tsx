/** The button that chooses files to upload, and how far they are. */
import { useRef } from "preact/hooks"
import { IconButton } from "../parts/buttons.js"
import { Icon } from "../parts/icons.js"
import { useSignals } from "../state/store.js"
import { bytesText } from "../text/format.js"
import type { Upload, Uploads } from "./uploads.js"

const stateText = ({ failure, file, share, state }: Upload): string => {
  if (state === "done") return `uploaded, ${bytesText(file.size)}`
  if (state === "failed") return failure ?? "failed"
  return state === "waiting" ? "waiting" : `${Math.floor(share * 100)} %`
}

const Row = ({ item, onCancel }: { readonly item: Upload; readonly onCancel: () => void }) => (
  <li class={`upload ${item.state}`}>
    <span class="upload-path">{item.path}</span>
    {item.state === "sending" ? <progress max={1} value={item.share} aria-label={`Upload of ${item.path}`} /> : null}
    <span class="upload-state" role={item.state === "failed" ? "alert" : undefined}>{stateText(item)}</span>
    <IconButton
      icon="close"
      label={`${item.state === "done" || item.state === "failed" ? "Dismiss" : "Cancel"} ${item.path}`}
      onClick={onCancel}
    />
  </li>
)

export const UploadList = ({ uploads }: { readonly uploads: Uploads }) => {
  useSignals(uploads)
  if (uploads.list.length === 0) return null
  return (
    <ul class="uploads" aria-label="Uploads">
      {uploads.list.map((item) => <Row key={item.path} item={item} onCancel={() => uploads.cancel(item)} />)}
    </ul>
  )
}

export const UploadButton = ({ folder, uploads }: { readonly folder: string; readonly uploads: Uploads }) => {
  const input = useRef<HTMLInputElement>(null)
  const choose = () => {
    const files = [...input.current!.files ?? []].map((file) => ({ name: file.name, file }))
    uploads.add(folder, files)
    input.current!.value = ""
  }
  return (
    <>
      <input ref={input} type="file" multiple hidden aria-label="Files to upload" onChange={choose} />
      <button type="button" class="button small" title={`Upload into ${folder}`} onClick={() => input.current!.click()}>
        <Icon name="upload" /> Upload<span class="visually-hidden">into {folder}</span>
      </button>
    </>
  )
}
