/** The sync tasks of one session, as clients list them: the last of each mapping and direction. */
import type { SyncItem } from "@effect-agb/core/AgbApi"
import { tidy } from "./contextPaths.js"
import type { Direction, Mapping } from "./transfer.js"

export interface TaskFilter {
  readonly contextId?: string | undefined
  readonly path?: string | undefined
  readonly taskType?: string | undefined
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export type Task = Mutable<Required<SyncItem>>

const maxTasks = 1000

const keyOf = ({ contextId, path }: Mapping, direction: Direction): string =>
  JSON.stringify([contextId, path, direction])

/** An empty field filters nothing. */
const matches = ({ contextId = "", path = "", taskType = "" }: TaskFilter) => (task: Task): boolean =>
  (contextId === "" || contextId === task.contextId) &&
  (path === "" || tidy(path) === tidy(task.path)) &&
  (taskType === "" || taskType === task.taskType)

const isDone = ({ status }: Task): boolean => status === "Success" || status === "Failed"

export class SyncTasks {
  readonly #tasks = new Map<string, Task>()
  readonly #now: () => number

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  list(filter: TaskFilter): ReadonlyArray<SyncItem> {
    return [...this.#tasks.values()].filter(matches(filter))
  }

  /** Adds a task, in place of an earlier one of the same mapping and direction. Its path is as the client sent it. */
  add(mapping: Mapping, direction: Direction): Task {
    const task: Task = {
      contextId: mapping.contextId,
      path: mapping.sentPath,
      errorMessage: "",
      status: "Preparing",
      startTime: this.#seconds(),
      finishTime: 0,
      taskType: direction
    }
    const key = keyOf(mapping, direction)
    this.#tasks.delete(key)
    this.#tasks.set(key, task)
    if (this.#tasks.size > maxTasks) this.#removeOldestDone()
    return task
  }

  succeed(task: Task): void {
    task.status = "Success"
    task.errorMessage = ""
    task.finishTime = this.#seconds()
  }

  fail(task: Task, errorMessage: string): void {
    task.status = "Failed"
    task.errorMessage = errorMessage
    task.finishTime = this.#seconds()
  }

  #removeOldestDone(): void {
    for (const [key, task] of this.#tasks) if (isDone(task)) return void this.#tasks.delete(key)
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000)
  }
}
