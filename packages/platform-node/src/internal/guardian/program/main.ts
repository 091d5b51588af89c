/**
 * The guardian: a process that waits for the end of its standard input, which is the end of its program, however that came. Then
 * it deletes the sessions that the program has not deleted, and ends.
 */
import { Programs } from "../../node/programs.js"
import { decode, encode, type FromGuardian, type GuardianSettings, Lines, type ToGuardian } from "../messages.js"
import { Journal } from "./journal.js"
import { type Entry, type Ids, Ledger, sizeOf } from "./ledger.js"

/** How long a deletion that fails is repeated, in milliseconds, and what an earlier program left behind, while this one runs. */
const patience = 120_000
const inheritedPatience = 60_000

const ledger = new Ledger()
let journal: Journal | undefined
let isEnding = false

/** Nobody reads it when the program is killed. */
process.stdout.on("error", () => {})

const say = (message: FromGuardian): void => {
  if (!isEnding) process.stdout.write(encode(message))
}

const onWarning = (text: string): void => say(["warning", text])

const remove = async (entry: Entry, ids: Ids, isInherited: boolean, patience: number): Promise<void> => {
  const snapshot = { attempt: new Set(ids.attempt), session: new Set(ids.session) }
  if (sizeOf(snapshot) === 0) return
  const { run } = await import("./deletion.js")
  const { account } = entry
  const onSettled: Parameters<typeof run>[0]["onSettled"] = (kind, id) => ledger.settle(entry, kind, id)
  await run({ account, ids: snapshot, isInherited, patience, onSettled })
}

const onInherited = async (entry: Entry): Promise<void> => {
  const count = entry.inherited.session.size
  await remove(entry, entry.inherited, true, inheritedPatience)
  const undeleted = [...entry.inherited.session, ...entry.inherited.attempt]
  const deleted = Math.max(0, count - entry.inherited.session.size)
  if (deleted + undeleted.length > 0) say(["swept", deleted, undeleted])
}

const start = ({ directory, lineage, program }: GuardianSettings): void => {
  try {
    if (directory !== undefined) {
      Journal.prepare(directory)
      const programs = new Programs()
      journal = new Journal({
        directory,
        ledger,
        program,
        lineage,
        programs,
        onWarning,
        onInherited: (entry) => isEnding ? undefined : void onInherited(entry)
      })
    }
    say(["ready"])
  } catch (error) {
    const { code = "an error" } = error as NodeJS.ErrnoException
    say(["failed", `the directory of journals, ${directory}, cannot be used (${code})`])
  }
}

const onMessage = (message: ToGuardian): void => {
  switch (message[0]) {
    case "start":
      return start(message[1])
    case "open": {
      const entry = ledger.open(message[1], message[2])
      return journal?.open(entry)
    }
    case "close": {
      journal?.replace()
      const closed = ledger.close(message[1])
      return closed === undefined ? undefined : journal?.close(closed)
    }
    default:
      return ledger.change(message[0], message[1], message[2], message[3])
  }
}

const end = async (): Promise<void> => {
  if (isEnding) return
  isEnding = true
  journal?.replace()
  const removals = ledger.entries.flatMap((entry) => [
    remove(entry, entry.ids, false, patience),
    remove(entry, entry.inherited, true, patience)
  ])
  await Promise.allSettled(removals)
  journal?.end()
  process.exit(0)
}

// The signals that end its program also reach a guardian where all processes of a service are told to end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {})
process.title = "agb-guardian"
process.stdin.setEncoding("utf8")
  .on("data", new Lines((line) => onMessage(decode(line))).push)
  .on("end", () => void end())
  .on("close", () => void end())
  .on("error", () => void end())
