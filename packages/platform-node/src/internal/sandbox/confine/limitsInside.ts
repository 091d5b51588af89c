/**
 * What tells programs inside the memory of the session: by itself, a runtime that sizes its heap would go by that of this
 * machine.
 */
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { interpreterPath, type Interpreters } from "./interpreters.js"

interface Contents {
  readonly links: ReadonlyArray<readonly [target: string, path: string]>
  readonly files: ReadonlyArray<readonly [path: string, text: string, mode?: string]>
}

/** Files of control groups, of both versions. Node, Go libraries and people's own code read them; /sys is not mounted. */
export const memoryLimitFiles = (memoryBytes: number): Contents["files"] =>
  ["memory.max", "memory/memory.limit_in_bytes", "memory/memory.soft_limit_in_bytes"].map((name) => [
    `/sys/fs/cgroup/${name}`,
    `${memoryBytes}\n`
  ])

const jdkInside = "/opt/agb/jdk"

/** The folder of the program `java` inside, where there is a JDK. */
export const javaProgramFolders = (interpreters: Interpreters): ReadonlyArray<string> =>
  interpreters.java._tag === "Available" ? [`${jdkInside}/bin`] : []

const linksTo = (source: string, target: string, besides: string): Contents["links"] =>
  Fs.readdirSync(source).filter((name) => name !== besides).map((name) => [`${source}/${name}`, `${target}/${name}`])

/**
 * The JVM looks for control groups in the mount table, and says so on stderr if it takes options from the environment. So
 * there is a JDK of links whose `java` passes the limit on, also to programs that find their JDK by that of PATH.
 */
export const javaProgram = (interpreters: Interpreters, memoryBytes: number): Contents =>
  Option.match(interpreterPath(interpreters.java), {
    onNone: () => ({ files: [], links: [] }),
    onSome: (java) => {
      const bin = Path.dirname(java)
      const script = `#!/bin/sh\nexec '${java.replaceAll("'", "'\\''")}' -XX:MaxRAM=${memoryBytes} "$@"\n`
      return {
        files: [[`${jdkInside}/bin/java`, script, "0755"]],
        links: [...linksTo(Path.dirname(bin), jdkInside, "bin"), ...linksTo(bin, `${jdkInside}/bin`, "java")]
      }
    }
  })
