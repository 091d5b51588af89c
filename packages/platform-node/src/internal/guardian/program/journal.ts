/**
 * The journals of a guardian: one file for each account, as long as it has sessions there. Other programs write beside it in the
 * same directory. It takes over the files of programs that have ended.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Programs } from "../../node/programs.js"
import * as files from "./journalFile.js"
import { type Entry, type Ids, type Ledger, sizeOf } from "./ledger.js"

/** Milliseconds from one write of a file to the next. */
const writeInterval = 50

/** How often a guardian says that it is alive, by the time of its files, and looks for those of programs that have ended. */
const heartbeat = 10_000

/**
 * After how long without a sign of life a file is taken over whose program cannot be looked for, since it ran before a restart
 * of the machine, or in another container. Where machines share a directory, their clocks must agree better than that.
 */
const silence = 120_000

interface Written {
  readonly file: string
  timer: NodeJS.Timeout | undefined
  isWritten: boolean
}

const listOf = ({ attempt, session }: Ids): files.AllIds => ({
  attempt: [...attempt].slice(0, files.maxIds),
  session: [...session].slice(0, files.maxIds)
})

const isDirectory = (path: string): boolean => Fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** With its parents, one by one: where none can be made, as below /proc, the recursive `mkdirSync` of Node 20 does not end. */
const makeDirectory = (path: string): void => {
  if (isDirectory(path)) return
  if (Path.dirname(path) !== path) makeDirectory(Path.dirname(path))
  try {
    Fs.mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another program may have made it.
    if (!isDirectory(path)) throw error
  }
}

export interface JournalOptions {
  readonly directory: string
  readonly ledger: Ledger
  readonly programs: Programs
  /** The id of the program that is guarded. */
  readonly program: string
  readonly lineage: string
  readonly onWarning: (text: string) => void
  /** Sessions have been taken over. */
  readonly onInherited: (entry: Entry) => void
}

export class Journal {
  readonly #options: JournalOptions
  readonly #written = new Map<Entry, Written>()
  #hasWarned = false
  /** There is nothing more of an earlier guardian of this program. */
  #isReplaced = false

  constructor(options: JournalOptions) {
    this.#options = options
    options.ledger.onChange = (entry) => this.#onChange(entry)
    setInterval(() => this.#beat(), heartbeat)
  }

  /** Fails where the directory cannot be used. */
  static prepare(directory: string): void {
    makeDirectory(directory)
    Fs.accessSync(directory, Fs.constants.R_OK | Fs.constants.W_OK | Fs.constants.X_OK)
  }

  /** An account is known: what earlier programs left behind there can be deleted. */
  open(entry: Entry): void {
    const file = files.newFile(this.#options.directory, entry.account)
    this.#written.set(entry, { file, timer: undefined, isWritten: false })
    this.#inherit(entry, false)
  }

  /** Takes over what the guardian that this one replaces has written, of which the program has told by now. */
  replace(): void {
    if (this.#isReplaced) return
    const entries = [...this.#written.keys()]
    if (!entries.map((entry) => this.#save(entry)).every(Boolean)) return
    for (const entry of entries) this.#inherit(entry, true)
  }

  /** The account is left, with nothing to delete. */
  close(entry: Entry): void {
    clearTimeout(this.#written.get(entry)?.timer)
    this.#save(entry)
    this.#written.delete(entry)
  }

  /** Writes what is left. */
  end(): void {
    for (const entry of this.#written.keys()) this.#save(entry)
  }

  #onChange(entry: Entry): void {
    const written = this.#written.get(entry)
    if (written === undefined || written.timer !== undefined) return
    this.#save(entry)
    written.timer = setTimeout(() => {
      written.timer = undefined
      this.#save(entry)
    }, writeInterval)
  }

  #save(entry: Entry): boolean {
    const written = this.#written.get(entry)
    if (written === undefined) return true
    const { account, ids, inherited } = entry
    return this.#try(() => {
      if (sizeOf(ids) + sizeOf(inherited) === 0) {
        if (written.isWritten) files.remove(written.file)
        written.isWritten = false
        return
      }
      const { lineage, program, programs } = this.#options
      files.write(written.file, account, {
        endpoint: account.endpoint,
        program,
        guardian: programs.id ?? "",
        lineage,
        ids: listOf(ids),
        inherited: listOf(inherited)
      })
      written.isWritten = true
    })
  }

  #beat(): void {
    const now = new Date()
    for (const [entry, { file, isWritten }] of this.#written) {
      if (isWritten) this.#try(() => Fs.utimesSync(file, now, now))
      this.#inherit(entry, false)
    }
    this.replace()
    this.#isReplaced = true
  }

  #inherit(entry: Entry, isReplacement: boolean): void {
    const own = [...this.#written.values()].map(({ file }) => file)
    this.#try(() => {
      for (const file of files.filesOf(this.#options.directory, entry.account)) {
        if (!own.includes(file)) this.#takeOver(file, entry, isReplacement)
      }
    })
  }

  #takeOver(file: string, entry: Entry, isReplacement: boolean): void {
    const contents = files.read(file, entry.account)
    if (contents === undefined || this.#isOfReplaced(contents) !== isReplacement) return
    if (!this.#isAbandoned(file, contents)) return
    // Of several guardians that want the file, the one whose rename succeeds has it.
    const taken = files.newFile(this.#options.directory, entry.account)
    try {
      Fs.renameSync(file, taken)
    } catch {
      return
    }
    for (const kind of ["attempt", "session"] as const) {
      // The program has told its own sessions to this guardian.
      const own = isReplacement ? [] : contents.ids[kind]
      this.#options.ledger.inherit(entry, kind, [...own, ...contents.inherited[kind]])
    }
    if (this.#save(entry)) files.remove(taken)
    files.remove(file)
    this.#options.onInherited(entry)
  }

  #isOfReplaced({ lineage }: files.Contents): boolean {
    return lineage !== "" && lineage === this.#options.lineage
  }

  #isAbandoned(file: string, contents: files.Contents): boolean {
    const { programs } = this.#options
    if (this.#isOfReplaced(contents)) return programs.status(contents.guardian) !== "running"
    const status = programs.status(contents.program)
    if (status !== "unknown") return status === "ended"
    const modified = Fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs
    return modified !== undefined && Date.now() - modified > silence
  }

  /** The sessions are guarded, journal or not: one that cannot be written is reported, once. */
  #try(action: () => void): boolean {
    try {
      action()
      return true
    } catch (error) {
      if (this.#hasWarned) return false
      this.#hasWarned = true
      const { code = "an error" } = error as NodeJS.ErrnoException
      this.#options.onWarning(`The journal of sessions in ${this.#options.directory} cannot be kept (${code})`)
      return false
    }
  }
}
