/**
 * HTML and SVG that a session made, in a frame without an origin: it reaches neither this page nor its server. It may tell
 * how high it would like to be, within bounds and not without end.
 */
import { useEffect, useRef, useState } from "preact/hooks"

const lowest = 24
const highest = 800
const unknown = 320
const mostChanges = 40

const askedHeight = (data: unknown): number | undefined => {
  const height = typeof data === "object" && data !== null ? (data as { agbFrameHeight?: unknown }).agbFrameHeight : 0
  return typeof height === "number" && height > 0 ? Math.min(highest, Math.max(lowest, Math.ceil(height))) : undefined
}

interface FrameProps {
  readonly source: string
  readonly title: string
  /** What the document at `source` is to become. */
  readonly html?: string | undefined
}

export const Frame = ({ html, source, title }: FrameProps) => {
  const frame = useRef<HTMLIFrameElement>(null)
  const changes = useRef(0)
  const [height, setHeight] = useState(unknown)
  useEffect(() => {
    const receive = ({ data, source }: MessageEvent) => {
      if (source === null || source !== frame.current?.contentWindow) return
      const asked = askedHeight(data)
      if (asked !== undefined && changes.current++ < mostChanges) setHeight(asked)
    }
    addEventListener("message", receive)
    return () => removeEventListener("message", receive)
  }, [])
  const isSent = useRef(false)
  const send = () => {
    if (html === undefined || isSent.current) return
    isSent.current = true
    frame.current?.contentWindow?.postMessage({ agbHtml: html }, "*")
  }
  return (
    <iframe
      ref={frame}
      onLoad={send}
      class="frame"
      src={source}
      title={title}
      sandbox="allow-scripts"
      loading="lazy"
      referrerpolicy="no-referrer"
      style={{ height: `${height}px` }}
    />
  )
}
