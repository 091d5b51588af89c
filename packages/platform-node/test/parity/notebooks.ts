/** Notebooks from the documentation of Debian's packages: downloaded, unpacked, and read as cells. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { gunzipSync } from "node:zlib"

export interface Notebook {
  readonly origin: string
  readonly name: string
  readonly cells: ReadonlyArray<string>
}

interface NotebookFile {
  readonly metadata?: { readonly kernelspec?: { readonly language?: string; readonly name?: string } }
  readonly cells?: ReadonlyArray<{ readonly cell_type: string; readonly source: string | ReadonlyArray<string> }>
}

const textOf = (source: string | ReadonlyArray<string>): string => typeof source === "string" ? source : source.join("")

/** The cells of a notebook of Python that have code; none for one of another language. */
export const cellsOf = (text: string): ReadonlyArray<string> => {
  const { cells = [], metadata } = JSON.parse(text) as NotebookFile
  const language = metadata?.kernelspec?.language ?? metadata?.kernelspec?.name ?? "python"
  if (!/^i?python3?$/i.test(language)) return []
  return cells.filter((cell) => cell.cell_type === "code").map((cell) => textOf(cell.source))
    .filter((code) => code.trim() !== "")
}

/** A folder with the files of a package, which is downloaded once. */
const unpacked = (name: string, folder: string): string => {
  const target = join(folder, name)
  if (existsSync(target)) return target
  const draft = `${target}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  execFileSync("apt-get", ["download", "-o", "APT::Sandbox::User=root", name], { cwd: draft, stdio: "pipe" })
  for (const file of readdirSync(draft)) {
    execFileSync("dpkg-deb", ["--extract", file, "."], { cwd: draft })
    rmSync(join(draft, file))
  }
  renameSync(draft, target)
  return target
}

const read = (path: string): string =>
  (path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString("utf8")

/** All notebooks of a package, each once though Debian often ships two forms of it, in the order of their names. */
const notebooksOf = (origin: string, folder: string): ReadonlyArray<Notebook> => {
  const known = new Set<string>()
  return readdirSync(unpacked(origin, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ipynb(\.gz)?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((path) => {
      const cells = cellsOf(read(path))
      const text = JSON.stringify(cells)
      if (cells.length === 0 || known.has(text)) return []
      known.add(text)
      return [{ origin, name: basename(path).replace(/\.ipynb(\.gz)?$/, ""), cells }]
    })
}

export const download = (packages: ReadonlyArray<string>, folder: string): ReadonlyArray<Notebook> =>
  packages.flatMap((name) => notebooksOf(name, folder))
