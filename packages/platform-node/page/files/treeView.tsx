/** The tree of files as the ARIA practices describe trees: one stop for Tab, arrows within. */
import { useRef } from "preact/hooks"
import { Icon } from "../parts/icons.js"
import { useSignals } from "../state/store.js"
import { bytesText, dateAndTime } from "../text/format.js"
import { type FileTree, type Node, parentPath } from "./fileTree.js"

interface TreeViewProps {
  readonly tree: FileTree
  readonly selected: string | undefined
  readonly onSelect: (node: Node) => void
  readonly onRemove: (node: Node) => void
}

interface RowProps {
  readonly node: Node
  readonly isSelected: boolean
  readonly isTabStop: boolean
  readonly onClick: () => void
}

const noteOf = ({ failure, isLoading, isTruncated }: Node): string =>
  failure ?? (isLoading ? "loading…" : isTruncated ? "only the first are listed" : "")

const Row = ({ isSelected, isTabStop, node, onClick }: RowProps) => (
  <li
    role="treeitem"
    class="tree-row"
    aria-level={node.level}
    aria-posinset={node.position}
    aria-setsize={node.count}
    aria-selected={isSelected}
    aria-expanded={node.isFolder ? node.isOpen : undefined}
    tabIndex={isTabStop ? 0 : -1}
    data-path={node.path}
    onClick={onClick}
    style={{ "--level": node.level }}
  >
    <span class="twist">{node.isFolder ? <Icon name={node.isOpen ? "down" : "right"} /> : null}</span>
    <Icon name={node.isFolder ? "folder" : node.entry?.type === "symlink" ? "link" : "file"} />
    <span class="tree-name">{node.name}</span>
    <span class="tree-note">{noteOf(node)}</span>
    {node.entry?.type === "file" ?
      (
        <span
          class="tree-size"
          title={node.entry.modifiedAt === null ? undefined : `Changed ${dateAndTime(node.entry.modifiedAt)}`}
        >
          {bytesText(node.entry.size)}
        </span>
      ) :
      null}
  </li>
)

/** Where an arrow key leads, or undefined where it opens, closes or does nothing. */
const target = (nodes: ReadonlyArray<Node>, at: number, key: string): number | undefined => {
  const node = nodes[at]!
  if (key === "ArrowDown") return Math.min(nodes.length - 1, at + 1)
  if (key === "ArrowUp") return Math.max(0, at - 1)
  if (key === "Home") return 0
  if (key === "End") return nodes.length - 1
  if (key === "ArrowRight" && node.isOpen && nodes[at + 1]?.level === node.level + 1) return at + 1
  if (key === "ArrowLeft" && !node.isOpen) {
    const parent = nodes.findIndex(({ path }) => path === parentPath(node.path))
    return parent === -1 ? undefined : parent
  }
  return undefined
}

/** The next row whose name begins with the letter. */
const byLetter = (nodes: ReadonlyArray<Node>, at: number, letter: string): number | undefined => {
  const order = [...nodes.slice(at + 1), ...nodes.slice(0, at + 1)]
  const found = order.find(({ name }) => name.toLowerCase().startsWith(letter.toLowerCase()))
  return found === undefined ? undefined : nodes.indexOf(found)
}

export const TreeView = ({ onRemove, onSelect, selected, tree }: TreeViewProps) => {
  useSignals(tree)
  const list = useRef<HTMLUListElement>(null)
  const { nodes } = tree
  const stop = Math.max(0, nodes.findIndex(({ path }) => path === selected))
  const toggle = (node: Node) => node.isOpen ? tree.close(node.path) : void tree.open(node.path)
  const choose = (node: Node) => {
    onSelect(node)
    if (node.isFolder) toggle(node)
  }
  const move = (at: number) => {
    list.current?.querySelectorAll<HTMLElement>("[role=treeitem]")[at]?.focus()
    const node = nodes[at]
    if (node !== undefined) onSelect(node)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const path = (event.target as HTMLElement).dataset["path"]
    const at = nodes.findIndex((node) => node.path === path)
    const node = nodes[at]
    if (node === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    const next = target(nodes, at, event.key) ??
      (/^[\p{L}\p{N}._]$/u.test(event.key) ? byLetter(nodes, at, event.key) : undefined)
    if (next !== undefined) move(next)
    else if (event.key === "Enter" || event.key === " ") choose(node)
    else if (event.key === "ArrowRight" && node.isFolder && !node.isOpen) void tree.open(node.path)
    else if (event.key === "ArrowLeft" && node.isOpen) tree.close(node.path)
    else if (event.key === "Delete") onRemove(node)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <ul ref={list} role="tree" aria-label="Files" class="tree" onKeyDown={onKeyDown}>
      {nodes.map((node, index) => (
        <Row
          key={node.path}
          node={node}
          isSelected={node.path === selected}
          isTabStop={index === stop}
          onClick={() => choose(node)}
        />
      ))}
    </ul>
  )
}
