/** Asks again and again, one request at a time, while somebody looks. */
import { useEffect } from "preact/hooks"

export const usePolling = (ask: () => Promise<unknown>, every: number, isOn: boolean): void =>
  useEffect(() => {
    if (!isOn) return
    let timer: ReturnType<typeof setTimeout>
    let isOver = false
    const next = async () => {
      if (document.visibilityState === "visible") await ask()
      if (!isOver) timer = setTimeout(next, every)
    }
    void next()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [isOn])
