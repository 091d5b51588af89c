/** The present, once a second while somebody looks. */
import { useEffect, useState } from "preact/hooks"

export const useNow = (isTicking = true): number => {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    if (!isTicking) return
    setNow(Date.now())
    const timer = setInterval(() => document.visibilityState === "visible" && setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isTicking])
  return now
}
