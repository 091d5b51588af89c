/** Contexts and their files. */
import { type Api, sleep } from "./api.js"

export interface Context {
  readonly id: string
  readonly name: string
  readonly state: string
}

interface Address {
  readonly url: string
  readonly expireTime: number
}

interface ContextFile {
  readonly fileName: string
  readonly filePath: string
  readonly size: number
}

export class Contexts {
  private readonly api: Api

  constructor(api: Api) {
    this.api = api
  }

  get = (name?: string, allowCreate = false, id?: string) =>
    this.api.get<Context>("/sdk/GetContext", { id, name, allowCreate })

  create = (name: string) => this.get(name, true)

  list = (maxResults = 10, nextToken?: string) =>
    this.api.get<ReadonlyArray<Context>>("/sdk/ListContexts", { maxResults, nextToken }, "strict")

  update = (id: string, name: string) => this.api.sdk("/sdk/ModifyContext", { id, name })
  delete = (id: string) => this.api.sdk("/sdk/DeleteContext", { id })
  clearAsync = (id: string) => this.api.sdk("/sdk/ClearContext", { id })

  async clear(id: string, interval = 2000, tries = 30): Promise<boolean> {
    if (!(await this.clearAsync(id)).success) return false
    for (let turn = 0; turn < tries; turn += 1) {
      await sleep(interval)
      if ((await this.get(undefined, false, id)).data?.state === "available") return true
    }
    throw new Error("Context clearing timed out")
  }

  uploadUrl = (contextId: string, filePath: string) =>
    this.api.sdk<Address>("/sdk/GetContextFileUploadUrl", { contextId, filePath })

  downloadUrl = (contextId: string, filePath: string) =>
    this.api.sdk<Address>("/sdk/GetContextFileDownloadUrl", { contextId, filePath })

  /** The root is an empty text. */
  listFiles = (contextId: string, parentFolderPath = "", pageNumber = 1, pageSize = 50) =>
    this.api.sdk<ReadonlyArray<ContextFile>>(
      "/sdk/DescribeContextFiles",
      { contextId, parentFolderPath, pageNumber, pageSize },
      "strict"
    )

  deleteFile = (contextId: string, filePath: string) => this.api.sdk("/sdk/DeleteContextFile", { contextId, filePath })
}
