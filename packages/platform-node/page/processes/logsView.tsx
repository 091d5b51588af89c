/** What a process has printed, as it comes. */
import { useMemo, useRef, useState } from "preact/hooks"
import { OutputView } from "../parts/outputView.js"
import { OutputText } from "../text/outputText.js"
import { logs } from "../wire/api.js"
import { usePolling } from "./polling.js"

const every = 1000
const mostCharacters = 256 * 1024

export const LogsView = ({ id }: { readonly id: string }) => {
  const output = useMemo(() => new OutputText(mostCharacters), [id])
  const cursor = useRef<string | number>(undefined)
  const [, render] = useState(0)
  const [isEnd, setEnd] = useState(false)
  const [failure, setFailure] = useState<string>()
  usePolling(
    () =>
      logs(id, cursor.current).then((read) => {
        for (const { stream, text } of read.chunks) output.append(stream, text)
        output.settle()
        cursor.current = read.cursor
        setEnd(read.isEnd)
        setFailure(undefined)
        if (read.chunks.length > 0) render((count) => count + 1)
      }, (error: Error) => setFailure(error.message)),
    every,
    !isEnd
  )
  return (
    <div class="logs">
      {failure === undefined ? null : <p role="alert" class="failure">{failure}</p>}
      {output.size === 0 && failure === undefined
        ? <p class="note">{isEnd ? "It has printed nothing." : "Nothing printed yet."}</p>
        : null}
      <OutputView output={output} omitted={0} label="Logs" />
    </div>
  )
}
