/** How the Java kernel is run, the same where the host prepares its class archive and where the agent uses it. */

/** A quick start and a small footprint count for more than peak speed here. */
export const javaOptions = [
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-XX:-UsePerfData",
  "-Xshare:auto",
  "-Xmx1g",
  "-Dfile.encoding=UTF-8",
  "-Xlog:disable",
  "-Xlog:all=error:stderr"
]

export const javaArchiveName = "kernel.jsa"
