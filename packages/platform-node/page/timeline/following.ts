/** Follows the newest entry until somebody scrolls up, and again from the end on. */
import { useEffect, useRef, useState } from "preact/hooks"

const nearEnd = 48

export const useFollowing = () => {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const last = useRef(0)
  const follows = useRef(true)
  const [isFollowing, setFollowing] = useState(true)
  const follow = (value: boolean) => {
    follows.current = value
    setFollowing(value)
  }
  const toEnd = () => {
    follow(true)
    const element = scroller.current
    if (element !== null) element.scrollTop = element.scrollHeight
  }
  const onScroll = () => {
    const { clientHeight, scrollHeight, scrollTop } = scroller.current!
    if (scrollHeight - scrollTop - clientHeight < nearEnd) follow(true)
    else if (scrollTop < last.current) follow(false)
    last.current = scrollTop
  }
  useEffect(() => {
    const stick = () => {
      const element = scroller.current
      if (follows.current && element !== null) element.scrollTop = element.scrollHeight
    }
    const observer = new ResizeObserver(stick)
    observer.observe(content.current!)
    observer.observe(scroller.current!)
    return () => observer.disconnect()
  }, [])
  return { content, follow, isFollowing, onScroll, scroller, toEnd }
}
