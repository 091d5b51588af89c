/** The beginning of a file, shown as what it is. */
import { useEffect, useState } from "preact/hooks"
import { bytesText } from "../text/format.js"
import { type FileStart, readFile } from "../wire/api.js"
import { Content } from "./content.js"
import { limitOf } from "./fileKind.js"

interface Loaded {
  readonly path: string
  readonly file?: FileStart
  readonly failure?: string
}

const useFile = (path: string, stamp: string): Loaded | undefined => {
  const [loaded, setLoaded] = useState<Loaded>()
  useEffect(() => {
    const reading = new AbortController()
    readFile(path, limitOf(path), reading.signal).then(
      (file) => reading.signal.aborted || setLoaded({ path, file }),
      (error: Error) => reading.signal.aborted || setLoaded({ path, failure: error.message })
    )
    return () => reading.abort()
  }, [path, stamp])
  return loaded?.path === path ? loaded : undefined
}

interface PreviewProps {
  readonly path: string
  /** Another one when the file has changed. */
  readonly stamp: string
}

export const Preview = ({ path, stamp }: PreviewProps) => {
  const loaded = useFile(path, stamp)
  if (loaded === undefined) return <p class="empty">Loading…</p>
  if (loaded.file === undefined) return <p role="alert" class="failure">{loaded.failure}</p>
  const { bytes, size } = loaded.file
  return (
    <>
      <Content path={path} file={loaded.file} />
      {bytes.length < size ? <p class="note">The first {bytesText(bytes.length)} of {bytesText(size)}.</p> : null}
    </>
  )
}
