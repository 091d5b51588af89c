/** Files in memory, good enough for the file tools: absolute paths, UTF-8, no links and no owners. */
import { AgbServer, AgbTools } from "@effect-agb/core"
import { Effect } from "effect"

interface Node {
  /** Absent for a directory. */
  readonly bytes: Buffer | undefined
  /** Grows with every change. */
  readonly version: number
}

type Snapshot = ReadonlyMap<string, Node>

const failure = (code: string, text: string) => new AgbServer.ToolFailure({ text: `${code}: ${text}` })

const missing = (path: string) => failure("ENOENT", `no such file or directory: ${path}`)

const normal = (path: string): string => {
  const parts: Array<string> = []
  for (const part of path.split("/")) {
    if (part === "..") parts.pop()
    else if (part !== "" && part !== ".") parts.push(part)
  }
  return `/${parts.join("/")}`
}

const parentOf = (path: string): string => normal(`${path}/..`)
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const globPattern = (glob: string): RegExp => {
  const source = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(
    /\*+|\?/g,
    (wildcard) => wildcard === "?" ? "[^/]" : wildcard.length > 1 ? ".*" : "[^/]*"
  )
  return new RegExp(`^${source}$`, "u")
}

const matcher = (base: string, glob: string) => {
  const pattern = globPattern(glob)
  return (path: string): boolean =>
    pattern.test(glob.includes("/") ? path.slice(base.length).replace(/^\//, "") : nameOf(path))
}

/** The tree of one session. */
class Tree {
  private readonly nodes = new Map<string, Node>([["/", { bytes: undefined, version: 0 }]])
  private readonly baselines = new Map<string, Snapshot>()
  private version = 0

  constructor() {
    this.makeDirectory("/tmp")
    this.makeDirectory("/home")
  }

  get(path: string): Node {
    const node = this.nodes.get(normal(path))
    if (node === undefined) throw missing(path)
    return node
  }

  has(path: string): boolean {
    return this.nodes.has(normal(path))
  }

  file(path: string): Buffer {
    const { bytes } = this.get(path)
    if (bytes === undefined) throw failure("EISDIR", `is a directory: ${path}`)
    return bytes
  }

  put(path: string, bytes: Buffer | undefined): void {
    const at = normal(path)
    const parent = this.get(parentOf(at))
    if (parent.bytes !== undefined) throw failure("ENOTDIR", `not a directory: ${parentOf(at)}`)
    this.nodes.set(at, { bytes, version: this.version += 1 })
  }

  makeDirectory(path: string): void {
    const at = normal(path)
    if (this.nodes.get(at)?.bytes !== undefined) throw failure("EEXIST", `file already exists: ${path}`)
    if (this.nodes.has(at)) return
    this.makeDirectory(parentOf(at))
    this.put(at, undefined)
  }

  below(path: string): Snapshot {
    const prefix = normal(path) === "/" ? "/" : `${normal(path)}/`
    return new Map([...this.nodes].filter(([name]) => name.startsWith(prefix) && name !== prefix))
  }

  remove(path: string): void {
    this.file(path)
    this.nodes.delete(normal(path))
  }

  move(source: string, destination: string): void {
    const [from, to] = [normal(source), normal(destination)]
    const node = this.get(from)
    if (this.has(to)) throw failure("EEXIST", `already exists: ${destination}`)
    const inside = this.below(from)
    this.put(to, node.bytes)
    for (const [path, { bytes }] of inside) {
      this.put(to + path.slice(from.length), bytes)
      this.nodes.delete(path)
    }
    this.nodes.delete(from)
  }

  changes(path: string): ReadonlyArray<AgbTools.ResultOf<AgbTools.Tools["get_file_change"]>[number]> {
    if (this.get(path).bytes !== undefined) throw failure("ENOTDIR", `not a directory: ${path}`)
    const now = this.below(path)
    const before = this.baselines.get(normal(path)) ?? now
    this.baselines.set(normal(path), now)
    const event = (eventType: "create" | "modify" | "delete") => ([path, { bytes }]: readonly [string, Node]) => ({
      eventType,
      path,
      pathType: bytes === undefined ? "directory" as const : "file" as const
    })
    const modified = ([path, { bytes, version }]: readonly [string, Node]) =>
      bytes !== undefined && before.has(path) && before.get(path)?.version !== version
    return [
      ...[...now].filter(([path]) => !before.has(path)).map(event("create")),
      ...[...now].filter(modified).map(event("modify")),
      ...[...before].filter(([path]) => !now.has(path)).map(event("delete"))
    ]
  }
}

const attempt = <A>(run: () => A): Effect.Effect<A, AgbServer.ToolFailure> =>
  Effect.try({
    try: run,
    catch: (error) => error instanceof AgbServer.ToolFailure ? error : failure("EIO", String(error))
  })

const edited = (text: string, edits: ReadonlyArray<{ readonly oldText: string; readonly newText: string }>): string =>
  edits.reduce((current, { newText, oldText }) => {
    if (!current.includes(oldText)) throw failure("NO_MATCH", "an edit does not match the file")
    return current.replace(oldText, () => newText)
  }, text)

type FileTools = Omit<AgbServer.ToolHandlers, "run_code" | "shell" | "get_metrics">

const reading = (tree: Tree): Pick<FileTools, "read_file" | "read_multiple_files" | "get_file_info"> => ({
  read_file: ({ format, length = 0, offset = 0, path }) =>
    attempt(() =>
      tree.file(path).subarray(offset, length === 0 ? undefined : offset + length).toString(
        format === "binary" ? "base64" : "utf8"
      )
    ),
  read_multiple_files: ({ paths }) =>
    Effect.map(
      Effect.forEach(paths, (path) =>
        attempt(() => tree.file(path).toString("utf8")).pipe(
          Effect.catchAll(({ text }) => Effect.succeed(`Error - ${text}`)),
          Effect.map((content) => ({ path, content }))
        )),
      AgbTools.fileBlocks
    ),
  get_file_info: ({ path }) =>
    attempt(() => ({
      name: nameOf(normal(path)),
      path,
      size: tree.get(path).bytes?.length ?? 0,
      isDirectory: tree.get(path).bytes === undefined,
      modTime: "2026-01-01T00:00:00Z",
      mode: tree.get(path).bytes === undefined ? "drwxr-xr-x" : "-rw-r--r--",
      owner: "user",
      group: "user"
    }))
})

const writing = (tree: Tree): Pick<FileTools, "write_file" | "edit_file"> => ({
  write_file: ({ content, mode = "overwrite", path }) =>
    attempt(() => {
      if (mode === "create_new" && tree.has(path)) throw failure("EEXIST", `file already exists: ${path}`)
      const before = mode === "append" && tree.has(path) ? tree.file(path) : Buffer.alloc(0)
      if (tree.has(path)) tree.file(path)
      tree.put(path, Buffer.concat([before, Buffer.from(content)]))
      return "written"
    }),
  edit_file: ({ dryRun = false, edits, path }) =>
    attempt(() => {
      const text = tree.file(path).toString("utf8")
      const next = edited(text, edits)
      if (!dryRun) tree.put(path, Buffer.from(next))
      return `--- ${path}\n+++ ${path}\n-${text}\n+${next}`
    })
})

export interface Files {
  readonly tools: FileTools
  readonly read: (path: string) => Effect.Effect<string, AgbServer.ToolFailure>
  readonly write: (path: string, bytes: Uint8Array) => Effect.Effect<void, AgbServer.ToolFailure>
  /** The files below a directory, by their paths. */
  readonly below: (path: string) => ReadonlyMap<string, Buffer>
  /** Writes a file and the directories above it. */
  readonly put: (path: string, bytes: Uint8Array) => void
}

/** The file tools of one session, on an empty tree with `/tmp` and `/home`. */
export const makeFiles = (): Files => {
  const tree = new Tree()
  return {
    tools: toolsOf(tree),
    read: (path) => attempt(() => tree.file(path).toString("utf8")),
    write: (path, bytes) => attempt(() => tree.put(path, Buffer.from(bytes))),
    below: (path) =>
      new Map(
        [...tree.below(path)].flatMap(([name, { bytes }]) => bytes === undefined ? [] : [[name, bytes] as const])
      ),
    put: (path, bytes) => {
      tree.makeDirectory(parentOf(path))
      tree.put(path, Buffer.from(bytes))
    }
  }
}

const toolsOf = (tree: Tree): FileTools => {
  return {
    ...reading(tree),
    ...writing(tree),
    create_directory: ({ path }) => attempt(() => `created ${(tree.makeDirectory(path), path)}`),
    delete_file: ({ path }) => attempt(() => `deleted ${(tree.remove(path), path)}`),
    list_directory: ({ path }) =>
      attempt(() => {
        if (tree.get(path).bytes !== undefined) throw failure("ENOTDIR", `not a directory: ${path}`)
        return [...tree.below(path)]
          .filter(([name]) => parentOf(name) === normal(path))
          .map(([name, { bytes }]) => ({ name: nameOf(name), isDirectory: bytes === undefined }))
      }),
    move_file: ({ destination, source }) => attempt(() => `moved to ${(tree.move(source, destination), destination)}`),
    search_files: ({ excludePatterns = [], path, pattern }) =>
      attempt(() => {
        tree.get(path)
        const base = normal(path)
        const excluded = excludePatterns.map((exclude) => matcher(base, exclude))
        return [...tree.below(path).keys()].filter((found) =>
          matcher(base, pattern)(found) && !excluded.some((isExcluded) => isExcluded(found))
        )
      }),
    get_file_change: ({ path }) => attempt(() => tree.changes(path))
  }
}
