/** Files on their way into the session, one after another. */
import { announce } from "../parts/announcer.js"
import { Signal } from "../state/store.js"
import { upload } from "../wire/api.js"
import { childPath } from "./fileTree.js"

export interface Upload {
  readonly path: string
  readonly file: Blob
  share: number
  state: "waiting" | "sending" | "done" | "failed"
  failure: string | undefined
  readonly cancelling: AbortController
}

export interface Chosen {
  /** Below the folder into which it goes. */
  readonly name: string
  readonly file: File
}

export class Uploads extends Signal {
  list: ReadonlyArray<Upload> = []
  readonly #onDone: () => void
  #isSending = false

  constructor(onDone: () => void) {
    super()
    this.#onDone = onDone
  }

  add(folder: string, chosen: ReadonlyArray<Chosen>): void {
    const added = chosen.map(({ file, name }): Upload => ({
      path: childPath(folder, name),
      file,
      share: 0,
      state: "waiting",
      failure: undefined,
      cancelling: new AbortController()
    }))
    this.list = [...this.list.filter(({ state }) => state !== "done"), ...added]
    this.tell()
    void this.#send()
  }

  cancel(item: Upload): void {
    item.cancelling.abort()
    this.list = this.list.filter((other) => other !== item)
    this.tell()
  }

  async #send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    for (;;) {
      const next = this.list.find(({ state }) => state === "waiting")
      if (next === undefined) break
      await this.#sendOne(next)
      this.#onDone()
    }
    this.#isSending = false
  }

  async #sendOne(item: Upload): Promise<void> {
    const change = (change: Partial<Upload>) => {
      Object.assign(item, change)
      this.tell()
    }
    change({ state: "sending" })
    try {
      await upload(item.path, item.file, (share) => change({ share }), item.cancelling.signal)
      change({ state: "done", share: 1 })
      announce(`${item.path} uploaded`)
    } catch (error) {
      change({ state: "failed", failure: (error as Error).message })
    }
  }
}
