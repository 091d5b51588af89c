/** The files of the session: a tree, a preview, uploads. */
import { useEffect, useMemo, useState } from "preact/hooks"
import { IconButton } from "../parts/buttons.js"
import { ConfirmDialog } from "../parts/dialog.js"
import { Icon } from "../parts/icons.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useSignals, useValue, type Value } from "../state/store.js"
import { fileAddress, removeFile } from "../wire/api.js"
import { droppedFiles } from "./dropped.js"
import { FileTree, type Node, parentPath } from "./fileTree.js"
import { Preview } from "./preview.js"
import { TreeView } from "./treeView.js"
import { UploadButton, UploadList } from "./uploadBar.js"
import { Uploads } from "./uploads.js"

const settleTime = 400

/** Opens the home of the session first, and looks again when something has run. */
const useTree = (model: SessionModel, isShown: boolean): FileTree => {
  const tree = useMemo(() => new FileTree(), [])
  useEffect(() => {
    if (!isShown) return
    const openHome = async () => {
      await tree.open("/")
      await tree.open("/home")
      if (tree.home !== undefined) await tree.open(tree.home)
    }
    void (tree.isOpen("/") ? tree.refresh() : openHome())
    let timer: ReturnType<typeof setTimeout>
    const later = () => {
      clearTimeout(timer)
      timer = setTimeout(() => void tree.refresh(), settleTime)
    }
    const end = model.changes.listen(later)
    return () => {
      end()
      clearTimeout(timer)
    }
  }, [isShown])
  return tree
}

const useDrop = (isOn: boolean, onFiles: (transfer: DataTransfer, target: EventTarget | null) => void) => {
  const [isOver, setOver] = useState(false)
  const handlers = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      if (event.dataTransfer !== null) onFiles(event.dataTransfer, event.target)
    }
  }
  return { handlers: isOn ? handlers : {}, isOver }
}

interface SelectedProps {
  readonly path: string
  readonly stamp: string
  readonly isSteering: boolean
  readonly isEnded: boolean
  readonly onRemove: () => void
  readonly onClose: () => void
}

const Selected = ({ isEnded, isSteering, onClose, onRemove, path, stamp }: SelectedProps) => (
  <section class="preview" aria-label={`Preview of ${path}`}>
    <header class="preview-head">
      <h3 title={path}>{path}</h3>
      {isEnded ? null : (
        <a
          class="icon-button"
          href={fileAddress(path, { download: 1 })}
          download
          aria-label={`Download ${path}`}
          title="Download"
        >
          <Icon name="download" />
        </a>
      )}
      {isSteering ? <IconButton icon="remove" label={`Delete ${path}`} onClick={onRemove} /> : null}
      <IconButton icon="close" label="Close the preview" onClick={onClose} />
    </header>
    <div class="preview-body">
      <Preview path={path} stamp={stamp} />
    </div>
  </section>
)

/** Where uploads go: the chosen folder, or that of the chosen file. */
const folderOf = (selected: Node | undefined, path: string | undefined, home = "/tmp"): string =>
  selected?.isFolder === true ? selected.path : path === undefined ? home : parentPath(path)

interface FilesPanelProps {
  readonly model: SessionModel
  readonly isShown: boolean
  /** The chosen path, which the timeline can set. */
  readonly chosen: Value<string | undefined>
}

export const FilesPanel = ({ chosen, isShown, model }: FilesPanelProps) => {
  useSignals(model.session, model.ended, model.connection)
  const tree = useTree(model, isShown)
  useSignals(tree)
  const path = useValue(chosen)
  const uploads = useMemo(() => new Uploads(() => void tree.refresh()), [])
  const [removing, setRemoving] = useState<string>()
  useEffect(() => {
    if (isShown && path !== undefined) void tree.reveal(parentPath(path))
  }, [isShown, path])
  const node = tree.nodes.find((node) => node.path === path)
  const folder = folderOf(node, path, tree.home)
  const isSteering = model.isSteering
  const drop = useDrop(isSteering, (transfer, target) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-path]")?.dataset["path"] : undefined
    const over = row === undefined ? folder : tree.entry(row)?.type === "directory" ? row : parentPath(row)
    void droppedFiles(transfer).then((files) => uploads.add(over, files))
  })
  const isEnded = model.ended.current !== undefined
  return (
    <div class={drop.isOver ? "files dropping" : "files"} {...drop.handlers}>
      <h2 class="visually-hidden">Files</h2>
      <div class="files-bar">
        {isSteering ? <UploadButton folder={folder} uploads={uploads} /> : null}
        <span class="hint">{isSteering ? `into ${folder}, or drop files on a folder` : ""}</span>
        <IconButton icon="refresh" label="Look again" onClick={() => void tree.refresh()} isDisabled={isEnded} />
      </div>
      <UploadList uploads={uploads} />
      {isEnded ? <p class="note">The session has ended, and its files with it.</p> : null}
      {tree.rootFailure === undefined || isEnded ? null : <p role="alert" class="failure">{tree.rootFailure}</p>}
      <TreeView
        tree={tree}
        selected={path}
        onSelect={({ path }) => chosen.set(path)}
        onRemove={({ path }) => isSteering && setRemoving(path)}
      />
      {path === undefined || node?.isFolder === true ? null : (
        <Selected
          path={path}
          stamp={`${node?.entry?.modifiedAt} ${node?.entry?.size}`}
          isSteering={isSteering}
          isEnded={isEnded}
          onRemove={() => setRemoving(path)}
          onClose={() => chosen.set(undefined)}
        />
      )}
      {removing === undefined ? null : (
        <ConfirmDialog
          title="Delete?"
          text={`${removing} is removed from the session for good.`}
          verb="Delete"
          action={() => removeFile(removing).then(() => chosen.set(undefined)).then(() => tree.refresh())}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </div>
  )
}
