/** Finds programs on this machine. */
import * as Fs from "node:fs"
import * as Path from "node:path"

const systemFolders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]

const isProgram = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.X_OK)
    return Fs.statSync(path).isFile()
  } catch {
    return false
  }
}

const searched = (folders: ReadonlyArray<string>, name: string): ReadonlyArray<string> =>
  [...new Set(folders.filter((folder) => Path.isAbsolute(folder)).map((folder) => Path.join(folder, name)))]
    .filter(isProgram)

/** Every program of that name on PATH, in its order. */
export const onPath = (name: string): ReadonlyArray<string> =>
  searched((process.env.PATH ?? "").split(Path.delimiter), name)

/** A tool to build sandboxes with: one in a system folder takes precedence over PATH. */
export const systemTool = (name: string): string | undefined => searched(systemFolders, name)[0] ?? onPath(name)[0]
