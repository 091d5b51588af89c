/** Whether there is room for one column only. */
import { useEffect, useState } from "preact/hooks"

const query = matchMedia("(max-width: 899px)")

export const useNarrow = (): boolean => {
  const [isNarrow, setNarrow] = useState(query.matches)
  useEffect(() => {
    const update = () => setNarrow(query.matches)
    query.addEventListener("change", update)
    return () => query.removeEventListener("change", update)
  }, [])
  return isNarrow
}
