/** The tools of one session, answered by the agent in its sandbox. */
import { ToolFailure, type ToolHandlers } from "@effect-agb/core/AgbServer"
import { tools } from "@effect-agb/core/AgbTools"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SandboxCall, SandboxLost } from "../../sandbox/channel/protocol.js"
import { type AgentCall, type Callable, makeAgentCall } from "./agentCall.js"
import { fileHandlers } from "./fileHandlers.js"
import { Bundle, toItem } from "./results.js"

const outputs = {
  stdoutBytes: Schema.NonNegativeInt,
  stderrBytes: Schema.NonNegativeInt,
  stdoutTruncated: Schema.Boolean,
  stderrTruncated: Schema.Boolean
}

type Outputs = { readonly [K in keyof typeof outputs]: (typeof outputs)[K]["Type"] }

const ShellValue = Schema.Struct({
  ...outputs,
  exitCode: Schema.Int,
  signal: Schema.NullOr(Schema.String),
  timedOut: Schema.Boolean
})

/** Results of one run; the agent sends no more. */
const maxResults = 10_001

export const CodeValue = Schema.Struct({
  ...outputs,
  results: Schema.Array(Bundle).pipe(Schema.maxItems(maxResults)),
  error: Schema.NullOr(Schema.Struct({ name: Schema.String, value: Schema.String, traceback: Schema.String })),
  executionCount: Schema.Int,
  executionTime: Schema.Number,
  timedOut: Schema.NullOr(Schema.Literal("interrupted", "killed")),
  kernelRestarted: Schema.Boolean,
  died: Schema.NullOr(Schema.String)
})

/** Decodes both streams of a body, with a notice where one was truncated. */
const split = (value: Outputs, body: Uint8Array) => {
  const text = (from: number, to: number, truncated: boolean) => {
    // A character that was cut in half is dropped.
    const decoded = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body.subarray(from, to), { stream: truncated })
    return truncated ? `${decoded}\n[output truncated after ${to - from} bytes]\n` : decoded
  }
  const end = value.stdoutBytes + value.stderrBytes
  return {
    stdout: text(0, value.stdoutBytes, value.stdoutTruncated),
    stderr: text(value.stdoutBytes, end, value.stderrTruncated)
  }
}

/** The timeouts of calls that specify none, as on the wire. */
export const defaultTimeoutMs = { shell: 1000, code: 60_000 }

/** Often a program that takes too long waits for the network. */
const timeoutAdvice = ({ hasNetwork }: Callable<unknown>) => hasNetwork ? "" : "; this session has no network"

const shell =
  <E>(agentCall: AgentCall<E>, advice: string): ToolHandlers<SandboxLost | E>["shell"] =>
  ({ command, cwd, envs, timeout_ms: timeoutMs = defaultTimeoutMs.shell }) => {
    const call: SandboxCall = {
      op: "shell",
      command,
      timeoutMs,
      ...(cwd === undefined ? {} : { cwd }),
      ...(envs === undefined ? {} : { envs })
    }
    return Effect.flatMap(agentCall(call, ShellValue), ({ body, value }) => {
      const { stderr, stdout } = split(value, body)
      const note = `${
        stderr === "" || stderr.endsWith("\n") ? "" : "\n"
      }The command timed out after ${timeoutMs} ms${advice}`
      return value.timedOut
        ? new ToolFailure({
          text: JSON.stringify({ stdout, stderr: stderr + note, exit_code: 124 }),
          plain: stdout + stderr + note
        })
        : Effect.succeed({ stdout, stderr, exit_code: value.exitCode })
    })
  }

const timeoutError = (timedOut: "interrupted" | "killed", seconds: number, advice: string) => ({
  name: "ExecutionTimeout",
  value: `execution timed out (timeout of ${seconds} s); ` +
    (timedOut === "interrupted"
      ? "the code was interrupted and the kernel keeps its state"
      : "the kernel was killed and its state is lost") +
    advice,
  traceback: ""
})

export const stateLostNotice = "[the kernel had died: the state of earlier runs is lost]\n"

export const executionError = (value: typeof CodeValue.Type, seconds: number, advice = "") => {
  if (value.timedOut !== null) return timeoutError(value.timedOut, seconds, advice)
  if (value.died !== null) {
    return { name: "KernelDied", value: `${value.died}; its state is lost, the next run starts afresh`, traceback: "" }
  }
  return value.error
}

const lines = (text: string): ReadonlyArray<string> => text === "" ? [] : [text]

const runCode = <E>(agentCall: AgentCall<E>, advice: string): ToolHandlers<SandboxLost | E>["run_code"] => (args) => {
  const { code, language, timeout_s: seconds = defaultTimeoutMs.code / 1000 } = args
  return Effect.map(
    agentCall({ op: "runCode", language, code, timeoutMs: seconds * 1000 }, CodeValue),
    ({ body, value }) => {
      const { stderr, stdout } = split(value, body)
      const error = executionError(value, seconds, advice)
      return {
        results: value.results.map(toItem),
        stdout: lines(stdout),
        stderr: lines((value.kernelRestarted ? stateLostNotice : "") + stderr + (error?.traceback ?? "")),
        executionError: error,
        executionCount: value.executionCount,
        executionTime: value.executionTime
      }
    }
  )
}

const Metrics = Schema.typeSchema(tools.get_metrics.result)

/** One handler per tool. They fail with `SandboxLost` if the sandbox is gone, and as its calls do. */
export const make = <E = never>(sandbox: Callable<E>): ToolHandlers<SandboxLost | E> => {
  const agentCall = makeAgentCall(sandbox)
  const advice = timeoutAdvice(sandbox)
  return {
    run_code: runCode(agentCall, advice),
    shell: shell(agentCall, advice),
    get_metrics: () => Effect.map(agentCall({ op: "metrics" }, Metrics), ({ value }) => value),
    ...fileHandlers(agentCall)
  }
}
