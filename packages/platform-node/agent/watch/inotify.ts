/** inotify watches on single directories, through `fs.watch`. */
import { closeSync, watch } from "node:fs"
import { fdPath, openDirectory } from "../files/beneath.js"

/** The name in events about the directory itself: the last component of the path that is watched. */
export const selfName = "."

type OnEvent = (event: string, name: string | null) => void

export const watchDirectory = (path: string, onEvent: OnEvent) => {
  try {
    const fd = openDirectory(path)
    try {
      const watcher = watch(`${fdPath(fd)}/${selfName}`, { persistent: false }, onEvent)
      watcher.on("error", () => watcher.close())
      return watcher
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined
  }
}
