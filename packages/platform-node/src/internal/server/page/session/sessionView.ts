/** What a page is told of a session and of the runtime. */
import type { Runtime, Session } from "../../../pageWire/contract.js"
import type { LocalSession } from "../../sessions/localSession.js"
import type { Access } from "../access/doors.js"

/** What is the same for all sessions of a runtime. */
export interface RuntimeFacts {
  readonly isolation: string
  readonly hasNetwork: boolean
  readonly languages: ReadonlyArray<string>
  readonly memoryLimitBytes: number | null
  readonly diskLimitBytes: number | null
  readonly version: string
}

/** The labels by which the SDK knows sessions again are not for people. */
const ownLabels = "effect-agb-"

export const labelsOf = ({ labels }: LocalSession): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith(ownLabels)))

/** One with calls in flight is not idle. */
export const idleMillisLeft = ({ active, idleMillis, usedAt }: LocalSession, now: number): number =>
  active > 0 ? idleMillis : Math.max(0, usedAt + idleMillis - now)

export const secondsLeft = (session: LocalSession, now: number): number =>
  Math.round(idleMillisLeft(session, now) / 1000)

/** `/api/session`. */
export const sessionView = (session: LocalSession, access: Access, facts: RuntimeFacts, now: number): Session => ({
  sessionId: session.sessionId,
  imageId: session.imageId,
  labels: labelsOf(session),
  access,
  createdAt: session.createdAt,
  idleTimeoutSeconds: session.idleMillis / 1000,
  idleSecondsLeft: secondsLeft(session, now),
  status: session.status,
  isolation: facts.isolation,
  hasNetwork: facts.hasNetwork,
  languages: facts.languages,
  memoryLimitBytes: facts.memoryLimitBytes,
  diskLimitBytes: facts.diskLimitBytes,
  now
})

/** `/api/runtime`. */
export const runtimeView = (sessions: ReadonlyArray<LocalSession>, facts: RuntimeFacts, now: number): Runtime => ({
  sessions: sessions.map((session) => ({
    sessionId: session.sessionId,
    imageId: session.imageId,
    labels: labelsOf(session),
    createdAt: session.createdAt,
    idleSecondsLeft: secondsLeft(session, now),
    running: session.timeline.running
  })),
  isolation: facts.isolation,
  languages: facts.languages,
  version: facts.version,
  now
})
