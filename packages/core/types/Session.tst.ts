import type { Agb, AgbApi, AgbError, Code, Command, FileSystem } from "@effect-agb/core"
import { Session, SessionPlatform } from "@effect-agb/core"
import type { CommandExecutor, Error, FileSystem as PlatformFileSystem, Path } from "@effect/platform"
import type { Effect, Layer, Scope, Stream } from "effect"
import { describe, expect, test } from "tstyche"

describe("Session", () => {
  test("make needs the service and a scope, and fails with what a call can fail with", () => {
    expect(Session.make({ imageId: "i" })).type.toBe<
      Effect.Effect<Session.Session, AgbError.ClientError, Agb.Agb | Scope.Scope>
    >()
  })

  test("layer gives the session and its modules", () => {
    expect(Session.layer({ imageId: "i" })).type.toBe<
      Layer.Layer<
        Session.Session | Code.Code | Command.Command | FileSystem.FileSystem,
        AgbError.ClientError,
        Agb.Agb
      >
    >()
  })

  test("the platform over it needs nothing else", () => {
    expect(SessionPlatform.layer).type.toBe<
      Layer.Layer<
        PlatformFileSystem.FileSystem | CommandExecutor.CommandExecutor | Path.Path,
        Error.PlatformError,
        Session.Session
      >
    >()
  })

  test("use adds the errors and needs of its function", () => {
    const use = Session.use({ imageId: "i" }, (session) => session.command.executeCommand("true"))
    expect(use).type.toBe<
      Effect.Effect<Command.CommandResult, Command.ExecuteCommandError, Agb.Agb>
    >()
  })

  test("parameters name an image", () => {
    expect(Session.make).type.not.toBeCallableWith({})
    expect(Session.make).type.not.toBeCallableWith({ imageId: 1 })
    expect(Session.make).type.toBeCallableWith({ imageId: "i", idleTimeout: "5 minutes", labels: { a: "b" } })
  })
})

describe("modules", () => {
  test("need nothing but themselves", () => {
    expect<ReturnType<Code.Code["runCodeStream"]>>().type.toBe<Stream.Stream<Code.CodeEvent, Code.RunCodeError>>()
    expect<ReturnType<Code.Code["runCode"]>>().type.toBe<Effect.Effect<Code.CodeResult, Code.RunCodeError>>()
    expect<ReturnType<FileSystem.FileSystem["readFile"]>>().type.toBe<
      Effect.Effect<string, FileSystem.FileSystemError>
    >()
    expect<ReturnType<FileSystem.FileSystem["watchDirectory"]>>().type.toBe<
      Stream.Stream<FileSystem.WatchEvent, FileSystem.FileSystemError>
    >()
  })

  test("a run can fail with what the code raised, a command with its exit code", () => {
    expect<AgbError.CodeExecutionError>().type.toBeAssignableTo<Code.RunCodeError>()
    expect<AgbError.CommandExitError>().type.toBeAssignableTo<Command.ExecuteCommandError>()
    expect<AgbError.CommandExitError>().type.not.toBeAssignableTo<Code.RunCodeError>()
    expect<AgbError.FileNotFoundError>().type.toBeAssignableTo<FileSystem.FileSystemError>()
  })
})

describe("AgbApi", () => {
  test("requests and replies are derived from the endpoints", () => {
    expect<AgbApi.RequestOf<AgbApi.Endpoints["getSessionInfo"]>>().type.toBe<{ readonly sessionId: string }>()
    expect<AgbApi.ReplyOf<AgbApi.Endpoints["getLink"]>>().type.toBe<{ readonly url: string }>()
    expect<AgbApi.ReplyOf<AgbApi.Endpoints["releaseSession"]>>().type.toBe<void>()
  })
})
