/** The program texts of recorded calls that were described in words, and what differs on purpose from what was recorded. */

const image = "{ imageId: 'agb-code-space-1' }"
const run = "session.code.run('x', 'python')"
const shell = "session.command.execute('x')"
const tool = "session.callMcpTool('x', {})"
const linkedTool = "session.callMcpTool('shell', {})"

const texts: Readonly<Record<string, string>> = {
  "session/create.full": `agb.create(new CreateSessionParams({
    imageId: 'agb-code-space-1',
    labels: { project: 'demo' },
    policyId: 'policy-1',
    idleReleaseTimeout: 300,
    contextSync: [new ContextSync('SdkCtx-a', '/home/data', {
      uploadPolicy: { ...newUploadPolicy(), uploadMode: UploadMode.Archive },
      downloadPolicy: newDownloadPolicy(),
      deletePolicy: newDeletePolicy(),
      extractPolicy: newExtractPolicy(),
      recyclePolicy: { lifecycle: Lifecycle.Lifecycle_30Days, paths: ['logs'] },
      bwList: { whiteLists: [{ path: '/src', excludePaths: ['/node_modules'] }] },
      mappingPolicy: { path: '/tmp/mapping' }
    })]
  }))`,
  "session/create.defaultPolicy":
    `agb.create({ imageId, contextSync: [newContextSync('SdkCtx-a', '/home/data', newSyncPolicy())] })`,
  "session/create.link.toolListArray": "agb.create({ imageId: 'agb-browser-use-1' })",
  "session/create.dataSuccessFalse": `agb.create(${image})`,
  "session/create.badImage": "agb.create({ imageId: 'nope' })",
  "session/delete.again": "session.delete()",
  "list/list.empty": "agb.list()",
  "labels/get.none": "session.getLabels()",
  "labels/set.error": "session.setLabels({ a: 'b' })",
  "code/run.legacyRich": run,
  "code/run.legacyRichError": run,
  "code/run.legacyRichErrorNoFlag": run,
  "code/run.legacyText": run,
  "code/run.nestedContent": run,
  "code/run.nestedPlain": run,
  "code/run.nestedError": run,
  "code/run.noContent": run,
  "command/exit2.ok": shell,
  "command/exit127.error": shell,
  "command/timeout": shell,
  "command/plain": shell,
  "command/error.plain": shell,
  "command/number": shell,
  "filesystem/write.createNew.exists": "session.file.write('/tmp/d/new.txt', 'x', 'create_new')",
  "filesystem/write.badMode": "session.file.write('/tmp/x', 'x', 'truncate')",
  "context/upload.noFile": "session.file.upload('/local/tmp/nope', '/tmp/x')",
  "filesystem/read.emptyFile": "session.file.read('/tmp/d/empty.txt')",
  "filesystem/edit.dryRun": "session.file.editFile('/tmp/d/a.txt', [{ oldText: 'a', newText: 'b' }], true)",
  "filesystem/edit.noMatch": "session.file.editFile('/tmp/d/a.txt', [{ oldText: 'zzz', newText: 'b' }])",
  "filesystem/readBatch.docShape": "session.file.readMultipleFiles(['/tmp/d/a.txt', '/tmp/d/b.txt'])",
  "filesystem/readBatch.oneMissing": "session.file.readMultipleFiles(['/tmp/d/a.txt', '/tmp/nope'])",
  "filesystem/change.none": "session.file.getFileChange('/tmp/d')",
  "filesystem/read.chunked": "session.file.read('/tmp/d/big.txt')",
  "filesystem/write.chunked": "session.file.write('/tmp/d/big.txt', 'x'.repeat(51210))",
  "tools/content.multiText": tool,
  "tools/content.image": tool,
  "tools/content.blob": tool,
  "tools/content.untypedText": tool,
  "tools/content.emptyText": tool,
  "tools/content.noIsError": tool,
  "tools/content.error": tool,
  "tools/content.errorMessageHidesText": tool,
  "context/downloadUrl.missing": "agb.context.getFileDownloadUrl(id, '/tmp/none.txt')",
  "context/delete": "agb.context.delete(new Context(id, 'x'))",
  "context/delete.missing": "agb.context.delete(new Context(id, 'x'))",
  "errors/401.create": `agb.create(${image})`,
  "errors/401.tool": shell,
  "errors/401.list": "agb.list()",
  "errors/401.context": "agb.context.list()",
  "errors/404.tool": run,
  "errors/200.toolSessionNotFound": "session.file.write('/tmp/x', 'x')",
  "errors/200.apiFalseToolOk": tool,
  "errors/200.noSuccessFlag": "agb.getSession('s')",
  "errors/200.successFalse.create": `agb.create(${image})`,
  "errors/200.createNoSuccessFlag": "agb.create({ imageId: 'i' })",
  "errors/201.tool": tool,
  "errors/201.getSession": "agb.getSession('s')",
  "errors/toolError": "session.file.mkdir('/x')",
  "errors/badJson.tool": shell,
  "errors/badJson.getSession": "agb.getSession('s')",
  "errors/empty.getSession": "agb.getSession('s')",
  "errors/500.html": shell,
  "errors/500.json": shell,
  "errors/headerRequestId": "agb.getSession('s')",
  "errors/reset": shell,
  "errors/released": shell,
  "linkurl/shell": "session.command.execute('echo link')",
  "linkurl/run_code": "session.code.run(\"print('x')\", 'python')",
  "linkurl/metrics": "session.getMetrics()",
  "linkurl/toolNotListed": "session.callMcpTool('page_use_navigate', { url: 'u' })",
  "linkurl/data.object": linkedTool,
  "linkurl/content.string": linkedTool,
  "linkurl/content.blob": linkedTool,
  "linkurl/content.two": linkedTool,
  "linkurl/content.empty": linkedTool,
  "linkurl/isError": linkedTool,
  "linkurl/outerSuccessFalse": linkedTool,
  "linkurl/noData": linkedTool,
  "linkurl/dataNumber": linkedTool,
  "linkurl/noResult": linkedTool,
  "linkurl/http500": linkedTool,
  "linkurl/http401": linkedTool,
  "linkurl/badJson": linkedTool,
  "linkurl/reset": linkedTool
}

/** Whether a call was described by the text of its program. */
export const isOwnText = (id: string): boolean => !Object.hasOwn(texts, id)

/** Calls that ask for the same by other requests, and why. */
export const otherRequests: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["create.minimal", "create.link", "create.timeoutZero"].map((name) => [
      `session/${name}`,
      "a label by which a create in doubt is found, and always an idle time"
    ])
  ),
  ...Object.fromEntries(
    ["session/delete.sync", "context/sync.all", "context/sync.one"].map((id) => [
      id,
      "what is under way is asked before a sync, which names its direction"
    ])
  ),
  "filesystem/read": "text is read as bytes, which may be cut anywhere",
  "code/run.empty": "refused before it is sent",
  "code/run.timeout": "the text of the recorded program is abbreviated",
  "context/clear": "allowCreate is absent where nothing is created",
  "context/listFiles.root": "the text of the recorded program is abbreviated"
}

/** The text of a call that was described by a program is what stands before the description. */
export const textOf = (id: string, call: string): string =>
  texts[id] ?? (call.split(/ - |\s+\[stub|\s{2}\(| \(stub/)[0] ?? "").trim()

/** Calls that are not run here, and why. */
export const notRun: Readonly<Record<string, string>> = {
  "session/create.extFp": "browsers are not offered",
  "session/create.noPolicy": "a directory without a policy is persisted with the defaults, and waited for",
  "session/delete.failedCaps": "a release that was refused is repeated, until its budget",
  "errors/502.create": "a create in doubt is looked for, until its budget",
  "session/releaseSession.legacy": "a method of the generated client, whose names are not the public API",
  "filesystem/watch": "no result; watching is tested over the local runtime",
  "context/clear.timeout": "tested with a server that never ends clearing",
  "context/upload": "files of this machine; tested over the local runtime",
  "context/download": "files of this machine; tested over the local runtime",
  "context/extensions.create": "browsers are not offered",
  "context/extensions.list": "browsers are not offered",
  "context/extensions.cleanup": "browsers are not offered",
  "tools/content.none": "no reply of a tool, which is a failure here",
  "tools/content.nullData": "no reply of a tool, which is a failure here in other words",
  "tools/content.noData": "no reply of a tool, which is a failure here",
  "errors/500.list": "a list is repeated when the server fails, until its deadline",
  "errors/429": "a rejected call is repeated, until its deadline",
  "errors/timeout.tool": "deadlines of other length",
  "errors/timeout.read": "deadlines of other length",
  "errors/timeout.create": "deadlines of other length",
  "errors/refused.create": "needs a network",
  "errors/refused.status": "needs a network",
  "errors/noKey": "tested with the settings",
  "linkurl/fs": "two calls"
}

/** Paths of the result that differ, and why. */
export interface Difference {
  readonly why: string
  readonly paths: ReadonlyArray<string>
  readonly calls: ReadonlyArray<string>
}

export const differences: ReadonlyArray<Difference> = [
  {
    why: "the id is that of the last request, not of the first or of one of several",
    paths: ["requestId"],
    calls: [
      ...["session/delete.finish", "session/delete.notfound", "session/delete.sync"],
      ...[
        "session/delete.nestedBody",
        "session/delete.pollError",
        "session/create.full",
        "session/create.defaultPolicy"
      ],
      ...["filesystem/read", "filesystem/read.bytes", "filesystem/read.chunked", "filesystem/write.chunked"],
      ...["context/sync.all", "context/sync.one", "context/clear"]
    ]
  },
  {
    why: "the client makes the id of a call over the link",
    paths: ["requestId"],
    calls: [
      ...["shell", "run_code", "metrics", "data.object", "content.string", "content.blob", "content.two"],
      ...["content.empty", "isError", "outerSuccessFalse", "noData", "dataNumber", "noResult", "http500", "http401"],
      ...["badJson", "reset"]
    ].map((name) => `linkurl/${name}`)
  },
  {
    why: "deleting what is gone is a success",
    paths: ["success", "errorMessage", "requestId"],
    calls: ["session/delete.again"]
  },
  {
    why: "every result has an id of its request, empty without one",
    paths: ["requestId"],
    calls: ["null", "array", "empty", "emptyKey", "emptyValue"].map((name) => `labels/set.invalid.${name}`)
  },
  {
    why: "refused before it is sent",
    paths: ["requestId"],
    calls: ["code/run.empty"]
  },
  {
    why: "the official parser cuts times at their second colon",
    paths: ["fileInfo.modTime"],
    calls: ["filesystem/info.file", "filesystem/info.dir"]
  },
  {
    why: "output that was not streamed comes in one piece, and a failure has no counter and no time",
    paths: ["logs.stderr", "executionCount", "executionTime"],
    calls: ["code/run.execError"]
  },
  {
    why: "output of a run that failed is kept, and every failure of the code is told in one form",
    paths: ["error", "logs.stderr"],
    calls: ["code/run.legacyRichError", "code/run.nestedError"]
  },
  {
    why: "an error of the code is a failure, whatever the flag says, and told in the form of today",
    paths: ["success", "error.name", "error.value"],
    calls: ["code/run.legacyRichErrorNoFlag"]
  },
  {
    why: "another exit code than 0 has no message, also from servers that call it an error of the tool",
    paths: ["errorMessage"],
    calls: ["command/exit127.error"]
  },
  {
    why: "a text that is no result of a command is never exit code 0",
    paths: ["success", "exitCode", "errorMessage", "output", "stdout"],
    calls: ["command/plain", "command/number"]
  },
  {
    why: "a reply that cannot be read counts as none",
    paths: ["httpStatusCode"],
    calls: ["errors/200.noSuccessFlag", "errors/badJson.getSession", "errors/empty.getSession"]
  },
  {
    why: "a success is told as 200 and ok",
    paths: ["httpStatusCode", "code"],
    calls: ["errors/201.getSession", "errors/headerRequestId"]
  },
  {
    why: "an array is read like its JSON text",
    paths: ["tools"],
    calls: ["tools/listTools.arrayData"]
  },
  {
    why: "labels that cannot be read are a failure",
    paths: ["success", "errorMessage", "data"],
    calls: ["labels/get.badJson"]
  },
  {
    why: "the tool list has names and servers, as text",
    paths: ["session.$session.toolList"],
    calls: ["session/create.link", "session/create.link.toolListArray", "session/get.link"]
  },
  {
    why: "a lost session is a 404, whatever the server said",
    paths: ["httpStatusCode"],
    calls: ["errors/400.status"]
  }
]
