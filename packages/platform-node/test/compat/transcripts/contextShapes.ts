/** What replies about contexts and their files must look like, written down from the description of the wire. */
import { assert } from "@effect/vitest"
import { fields, filled, json, list, nothing } from "./fields.js"
import type { Json } from "./recordings.js"

const time = (value: unknown, what: string) =>
  assert.match(filled(value, what), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, what)

const context = (value: unknown) => {
  const { createTime, id, lastUsedTime, name, state } = fields(value, "context")
  assert.match(filled(id, "id"), /^SdkCtx-/)
  filled(name, "name")
  time(createTime, "createTime")
  time(lastUsedTime, "lastUsedTime")
  assert.oneOf(state, ["available", "clearing", "pre-available"])
}

const file = (value: unknown) => {
  const { fileName, filePath, fileType, gmtCreate, gmtModified, size } = fields(value, "file")
  for (const [what, text] of Object.entries({ fileName, filePath, fileType })) filled(text, what)
  time(gmtCreate, "gmtCreate")
  time(gmtModified, "gmtModified")
  assert.isTrue(Number.isSafeInteger(size), "size")
}

const item = (value: unknown) => {
  const { contextId, errorMessage, finishTime, path, startTime, status, taskType } = fields(value, "item")
  filled(contextId, "contextId")
  filled(path, "path")
  filled(status, "status")
  assert.isString(errorMessage, "errorMessage")
  assert.oneOf(taskType, ["upload", "download"])
  for (const at of [startTime, finishTime]) assert.isTrue(Number.isSafeInteger(at), "a time in seconds")
}

const status = (data: unknown) => {
  for (const record of list(json(fields(data, "data")["contextStatus"], "contextStatus"), "contextStatus")) {
    const { data, type } = fields(record, "record")
    assert.strictEqual(type, "data")
    list(json(data, "data"), "items").forEach(item)
  }
}

const address = (data: unknown) => {
  const { expireTime, url } = fields(data, "data")
  assert.match(filled(url, "url"), /^http:\/\/127\.0\.0\.1:\d+\//)
  assert.isTrue(Number.isSafeInteger(expireTime) && Number(expireTime) > Date.now() / 1000, "expireTime")
}

const internal = (data: unknown) => {
  const { contextId, contextPath, contextType } = fields(list(data, "data")[0], "context")
  filled(contextId, "contextId")
  assert.match(filled(contextPath, "contextPath"), /^\//)
  assert.strictEqual(contextType, "file_transfer")
}

export const contextShapes: Readonly<Record<string, (data: unknown, envelope: Json) => void>> = {
  GetContext: context,
  ListContexts: (data, { maxResults, nextToken, totalCount }) => {
    list(data, "data").forEach(context)
    assert.isString(nextToken, "nextToken")
    assert.isNumber(maxResults, "maxResults")
    assert.isNumber(totalCount, "totalCount")
  },
  ModifyContext: nothing,
  DeleteContext: nothing,
  ClearContext: nothing,
  SyncContext: nothing,
  DeleteContextFile: nothing,
  GetContextInfo: status,
  GetContextFileUploadUrl: address,
  GetContextFileDownloadUrl: address,
  DescribeContextFiles: (data, { count }) => {
    list(data, "data").forEach(file)
    assert.isNumber(count, "count")
  },
  GetAndLoadInternalContext: internal
}
