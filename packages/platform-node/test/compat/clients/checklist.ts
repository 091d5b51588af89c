/**
 * What clients have observed of the cloud and must observe here, and which of the walks observe it. The first part has a
 * row for each topic of the description of observed semantics, the second one for each algorithm of the clients.
 */
export const walks = ["python v0.2.2", "python v0.12.0", "typescript v0.12.0"] as const

export type Walk = (typeof walks)[number]

const [first, python, typescript] = walks

const later = [python, typescript]

const all = walks

export const observed: Readonly<Record<string, ReadonlyArray<Walk>>> = {
  "Kernel state": all,
  "Last expression": later,
  "Display data": later,
  stdout: later,
  stderr: later,
  "Empty code": all,
  "Python errors": later,
  "Files from code": [python],
  JavaScript: all,
  Java: later,
  Language: later,
  "Code timeout": all,
  Shell: all,
  "Working directory": later,
  Environment: later,
  "Failing commands": all,
  "shell without timeout_ms": later,
  Background: later,
  "Read missing file": all,
  "Delete missing file": later,
  "Edit without match": all,
  Move: all,
  "Large files": all,
  "Read batch": all,
  "Removed file": later,
  "Directory listing": all,
  Search: all,
  Binary: later,
  "File changes": later,
  Watching: all,
  "Deleted session": all,
  "get on deleted / unknown id": later,
  "Second delete": all,
  List: later,
  Labels: later,
  getSession: later,
  keepAlive: later,
  "Link route": later,
  Streaming: later,
  Cancel: [typescript],
  "WebSocket on browser image": later,
  "Unknown tool": later,
  Metrics: later,
  listTools: later,
  Contexts: later,
  "Presigned URLs": later
}

export const algorithms: Readonly<Record<string, ReadonlyArray<Walk>>> = {
  "Kernel state in R": [python],
  "Parallel runs": [python],
  "Display data of matplotlib": [python],
  "results: main value, texts and times": [python],
  "a command that takes too long": [python],
  "files are read and written in pieces": later,
  "info, status and link": later,
  "delete polls until it is gone": later,
  "paging walks from token to token": later,
  "an idle time of 0 is the default": [typescript],
  "the route is chosen per call": later,
  "streams: errors, timeouts and many at once": later,
  "heartbeat: pings are answered": [python],
  "heartbeat: text frames need no answer": [typescript],
  "a lost connection fails what is pending and is made anew": later,
  "a WebSocket needs the session's token": later,
  "links into a session": later,
  upload: later,
  download: later,
  "contexts that sessions carry": [python],
  "waiting for contexts after create": [python],
  extensions: [python],
  "browser and desktop tools say that they are missing": later,
  "bad key": all,
  "endpoint, key and an unreachable server": [python],
  "v0.2.2: create, list, info, delete": [first],
  "v0.2.2: plain texts": [first],
  "v0.2.2: get_link": [first]
}

export const rowsOf = (walk: Walk): ReadonlyArray<string> =>
  Object.entries({ ...observed, ...algorithms }).filter(([, by]) => by.includes(walk)).map(([row]) => row)
