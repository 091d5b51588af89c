/** The page of the runtime: its live sessions. */
import { useEffect, useMemo } from "preact/hooks"
import type { Access, ListedSession, Runtime } from "../../src/internal/pageWire/contract.js"
import { announce, Announcer } from "../parts/announcer.js"
import { ActionButton } from "../parts/buttons.js"
import { useNow } from "../parts/clock.js"
import { useValue, Value } from "../state/store.js"
import { clockText, dateAndTime, plural, spokenTime } from "../text/format.js"
import { addressOf, getJson } from "../wire/api.js"
import { type Connection, connectOnWaking, Live } from "../wire/live.js"

interface Known {
  readonly runtime: Runtime
  /** When it was told, by the clock of this machine. */
  readonly at: number
}

class RuntimeModel {
  readonly known = new Value<Known | undefined>(undefined)
  readonly connection = new Value<Connection>({ state: "connecting" })
  readonly live = new Live({
    path: () => "/api/live",
    probe: "/api/runtime",
    onMessage: (message) => this.#receive(message as Runtime),
    onConnection: (connection) => this.connection.set(connection)
  })

  start(): void {
    connectOnWaking(this.live)
    this.live.connect()
    void getJson<Runtime>("/api/runtime").then((runtime) => this.#receive(runtime), () => {})
  }

  #receive(runtime: Runtime): void {
    const before = this.known.current?.runtime.sessions.length
    const { length } = runtime.sessions
    if (before !== undefined && before !== length) announce(plural(length, "session"))
    this.known.set({ runtime, at: Date.now() })
  }
}

const open = async (sessionId: string, access: Access): Promise<void> => {
  const { url } = await addressOf(sessionId, access)
  window.open(url, "_blank", "noopener")
}

const Row = ({ seconds, session }: { readonly session: ListedSession; readonly seconds: number | null }) => {
  const labels = Object.entries(session.labels ?? {})
  return (
    <li class="session-row" aria-labelledby={`session-${session.sessionId}`}>
      <div class="session-name">
        <h2 id={`session-${session.sessionId}`}>
          <code>{session.sessionId}</code>
        </h2>
        {labels.length === 0 ?
          null :
          (
            <ul class="labels" aria-label="Labels">
              {labels.map(([name, value]) => (
                <li key={name}>
                  <span>{name}</span> {value}
                </li>
              ))}
            </ul>
          )}
      </div>
      <p class="session-facts">
        <span>{session.imageId}</span>
        <span>
          since <time dateTime={new Date(session.createdAt).toISOString()}>{dateAndTime(session.createdAt)}</time>
        </span>
        <span class={session.running > 0 ? "busy" : ""}>
          {session.running > 0 ? `${session.running} running` : "idle"}
        </span>
        {seconds === null ? null : (
          <span>
            <span aria-hidden="true">ends in {clockText(seconds)} if unused</span>
            <span class="visually-hidden">ends in {spokenTime(seconds)} if unused</span>
          </span>
        )}
      </p>
      <div class="session-actions">
        <ActionButton class="primary" action={() => open(session.sessionId, "steer")}>
          Open<span class="visually-hidden">{session.sessionId}</span>
        </ActionButton>
        <ActionButton action={() => open(session.sessionId, "read")}>
          Open read-only<span class="visually-hidden">{session.sessionId}</span>
        </ActionButton>
      </div>
    </li>
  )
}

const Status = ({ model }: { readonly model: RuntimeModel }) => {
  const { state } = useValue(model.connection)
  const text = state === "lost"
    ? "The connection to the runtime is lost. This page tries again by itself."
    : state === "forgotten" || state === "ended"
    ? "This page is no longer connected: the runtime has ended, or its address has expired."
    : ""
  return <div class={text === "" ? "banner none" : "banner lost"} role="status">{text}</div>
}

const Sessions = ({ known: { at, runtime } }: { readonly known: Known }) => {
  const now = useNow()
  const left = ({ idleSecondsLeft }: ListedSession) =>
    idleSecondsLeft === null ? null : Math.max(0, idleSecondsLeft - (now - at) / 1000)
  return runtime.sessions.length === 0
    ? <p class="empty">No session is alive. One that a program creates appears here.</p>
    : (
      <ul class="session-list">
        {runtime.sessions.map((session) => <Row key={session.sessionId} session={session} seconds={left(session)} />)}
      </ul>
    )
}

export const RuntimePage = () => {
  const model = useMemo(() => new RuntimeModel(), [])
  useEffect(() => {
    document.title = "AGB runtime"
    model.start()
  }, [])
  const known = useValue(model.known)
  return (
    <>
      <a class="skip" href="#sessions">Skip to the sessions</a>
      <header class="page-head">
        <div class="identity">
          <h1>
            <span class="mark" aria-hidden="true" />AGB runtime
          </h1>
          {known === undefined ? null : (
            <p class="runtime-facts">
              {plural(known.runtime.sessions.length, "session")} · isolation {known.runtime.isolation ?? "unknown"} ·
              {" "}
              {known.runtime.languages.join(", ")} · {known.runtime.version}
            </p>
          )}
        </div>
      </header>
      <Status model={model} />
      <main id="sessions" class="runtime" tabIndex={-1}>
        {known === undefined ? <p class="empty">Connecting…</p> : <Sessions known={known} />}
      </main>
      <Announcer />
    </>
  )
}
