/** Programs that were written for the official SDK type-check with another import. */
import type * as compat from "@effect-agb/platform-node/compat"
import type { AuthenticationError } from "@effect-agb/platform-node/compat"
import {
  AGB,
  type AGBOptions,
  type BoolResult,
  type CommandResult,
  type Config,
  CreateSessionParams,
  type EnhancedCodeExecutionResult,
  type FileContentResult,
  newContextSync,
  newSyncPolicy,
  type Session,
  type SessionResult
} from "@effect-agb/platform-node/compat"
import { describe, expect, test } from "tstyche"

const introduction = async (): Promise<string> => {
  const agb = new AGB()
  const params = new CreateSessionParams({ imageId: "agb-code-space-1", labels: { project: "demo" } })
  const result = await agb.create(params)
  if (!result.success || !result.session) throw new Error(result.errorMessage)
  const session: Session = result.session
  const run = await session.code.run("print('Hello')", "python", 60, {
    streamBeta: true,
    onStdout: (chunk) => process.stdout.write(chunk),
    onError: (error) => process.stderr.write(error.message)
  })
  const texts = run.results.map((item) => item.text ?? "").concat(run.logs.stdout)
  if (run.error) return `${run.error.name}: ${run.error.value}\n${run.error.traceback}`
  const files = await session.file.ls("/tmp")
  const names = files.entries.filter((entry) => entry.type === "file").map((entry) => entry.name)
  const { output, exitCode } = await session.command.execute("ls -la", 10000, "/tmp", { A: "b" })
  await agb.delete(session, true)
  return [...texts, ...names, output, exitCode.toString()].join()
}

const nonNull = async (agb: AGB): Promise<number> => {
  const session = (await agb.create({ imageId: "agb-code-space-1", idleReleaseTimeout: 300 })).session!
  const page = await agb.list({ project: "demo" }, 2, 10)
  const context = (await agb.context.get("project", true)).context!
  const sync = newContextSync(context.id, "/home/data", newSyncPolicy())
  await agb.create(new CreateSessionParams({ imageId: "i", contextSync: [sync] }))
  const bytes = await session.file.read("/tmp/a", { format: "bytes" })
  const metrics = (await session.getMetrics()).metrics!
  const status: string = (await session.getStatus()).status
  return page.totalCount + bytes.content.byteLength + metrics.cpuCount + status.length
}

declare const code: Session["code"]

describe("programs", () => {
  test("use what they used", () => {
    expect(introduction).type.toBe<() => Promise<string>>()
    expect(nonNull).type.toBe<(agb: AGB) => Promise<number>>()
  })

  test("annotate results with their names", () => {
    expect<ReturnType<AGB["create"]>>().type.toBe<Promise<SessionResult>>()
    expect<ReturnType<Session["code"]["run"]>>().type.toBe<Promise<EnhancedCodeExecutionResult>>()
    expect<ReturnType<Session["command"]["exec"]>>().type.toBe<Promise<CommandResult>>()
    expect<ReturnType<Session["file"]["mkdir"]>>().type.toBe<Promise<BoolResult>>()
    expect<Awaited<ReturnType<Session["file"]["read"]>>["success"]>().type.toBe<boolean>()
    expect<FileContentResult["content"]>().type.toBe<string>()
    expect<SessionResult["session"]>().type.toBe<Session | null | undefined>()
  })

  test("give a key, options or nothing", () => {
    expect(AGB).type.toBeConstructableWith()
    expect(AGB).type.toBeConstructableWith("akm-key")
    expect<{ apiKey: string; config: { endpoint: string; timeoutMs: number } }>().type.toBeAssignableTo<AGBOptions>()
    expect<{ endpoint: string }>().type.toBeAssignableTo<Config>()
    expect(AGB).type.not.toBeConstructableWith({ apiKey: 5 })
  })

  test("cannot give what is not offered", () => {
    expect(CreateSessionParams).type.not.toBeConstructableWith({ imageId: "i", browserContext: {} })
    expect(code.run).type.not.toBeCallableWith("1", "python", 60, true)
  })

  test("catch errors by their class", () => {
    expect<AuthenticationError>().type.toBeAssignableTo<compat.AGBError>()
    expect<compat.APIError["statusCode"]>().type.toBe<number>()
  })
})
