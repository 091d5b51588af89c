/** The options of the Java kernel, which must be the same when the host makes its class archive and when it runs. */

/** For a fast start and a small footprint rather than peak speed. */
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
