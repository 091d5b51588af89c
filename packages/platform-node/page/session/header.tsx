/** What session this is, how it does, how long it lives, and what can be done about that. */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import type { Session } from "../../src/internal/pageWire/contract.js"
import { announce } from "../parts/announcer.js"
import { ActionButton, CopyButton, copyText } from "../parts/buttons.js"
import { useNow } from "../parts/clock.js"
import { ConfirmDialog } from "../parts/dialog.js"
import { Icon } from "../parts/icons.js"
import type { SessionModel } from "../state/sessionModel.js"
import { useSignals, useValue } from "../state/store.js"
import { clockText, dateAndTime, spokenTime } from "../text/format.js"
import { endSession, keepAlive, readOnlyAddress } from "../wire/api.js"

const lowSeconds = 60

/** Counts down; screen readers are told the minute, and can ask. */
const IdleTime = ({ model }: { readonly model: SessionModel }) => {
  const end = useValue(model.idleEnd)
  const isEnded = useValue(model.ended) !== undefined
  const now = useNow(end !== undefined && !isEnded)
  if (end === undefined || isEnded) return null
  const seconds = Math.max(0, (end - now) / 1000)
  return (
    <span
      class={seconds < lowSeconds ? "idle low" : "idle"}
      title="The session ends when nothing uses it for this long"
    >
      <span aria-hidden="true">
        ends in <b>{clockText(seconds)}</b> if unused
      </span>
      <span class="visually-hidden">Ends in {spokenTime(seconds)} if unused</span>
    </span>
  )
}

const KeepAlive = ({ model }: { readonly model: SessionModel }) => {
  const keep = () =>
    keepAlive().then(({ idleSecondsLeft }) => {
      model.setIdle(idleSecondsLeft)
      announce("Kept alive")
    })
  return <ActionButton action={keep} done="Kept alive">Keep alive</ActionButton>
}

const Steering = () => {
  const [isEnding, setEnding] = useState(false)
  return (
    <>
      <ActionButton
        action={() => readOnlyAddress().then(({ url }) => copyText(url, "Read-only address"))}
        done="Address copied"
      >
        <Icon name="link" /> Copy read-only address
      </ActionButton>
      <button type="button" class="button danger" onClick={() => setEnding(true)}>End session</button>
      {isEnding ?
        (
          <ConfirmDialog
            title="End this session?"
            text="Everything that runs in it is stopped and its files are removed."
            verb="End session"
            action={endSession}
            onClose={() => setEnding(false)}
          />
        ) :
        null}
    </>
  )
}

const factsOf = (session: Session): ReadonlyArray<readonly [string, string]> => [
  ["Image", session.imageId ?? "unknown"],
  ["Isolation", session.isolation ?? "unknown"],
  ["Network", session.hasNetwork === null ? "unknown" : session.hasNetwork ? "yes" : "none"],
  ["Languages", session.languages.join(", ")],
  ["Created", dateAndTime(session.createdAt)]
]

/** Where there is little room, what is seldom needed stands behind this as well. */
const Facts = ({ children, session }: { readonly session: Session; readonly children: ComponentChildren }) => (
  <details class="facts">
    <summary>About</summary>
    <div class="facts-card">
      <dl>
        {factsOf(session).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {children}
    </div>
  </details>
)

const Labels = ({ session }: { readonly session: Session }) => {
  const labels = Object.entries(session.labels ?? {})
  return labels.length === 0 ? null : (
    <ul class="labels" aria-label="Labels">
      {labels.map(([name, value]) => (
        <li key={name}>
          <span>{name}</span> {value}
        </li>
      ))}
    </ul>
  )
}

interface HeaderProps {
  readonly model: SessionModel
  readonly isNarrow: boolean
  readonly onHelp: () => void
}

export const Header = ({ isNarrow, model, onHelp }: HeaderProps) => {
  useSignals(model.session, model.ended, model.connection)
  const session = model.session.current
  const steering = model.isSteering ? <Steering /> : null
  return (
    <header class="page-head">
      <div class="identity">
        <h1>
          <span class="mark" aria-hidden="true" />
          Session {session === undefined ? null : (
            <CopyButton text={session.sessionId} what="session id">
              <code>{session.sessionId}</code>
            </CopyButton>
          )}
        </h1>
        {session?.access === "read" ? <span class="read-only">read-only</span> : null}
        {session === undefined ? null : <Labels session={session} />}
        {session === undefined ? null : <Facts session={session}>{isNarrow ? steering : null}</Facts>}
      </div>
      <div class="life">
        <IdleTime model={model} />
        {model.isSteering ? <KeepAlive model={model} /> : null}
        {isNarrow ? null : steering}
        <button type="button" class="button" aria-label="Keyboard" title="Keyboard (?)" onClick={onHelp}>?</button>
      </div>
    </header>
  )
}
