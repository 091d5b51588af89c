/** Numbers and times in words. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

export const bytesText = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

export const durationText = (milliseconds: number): string => {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`
  return clockText(seconds)
}

const two = (value: number): string => String(value).padStart(2, "0")

/** `4:05`, `1:02:09`. */
export const clockText = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`
}

/** `4 minutes`, for those who listen. */
export const spokenTime = (seconds: number): string => {
  const [value, unit] = seconds < 90
    ? [Math.round(seconds), "second"] as const
    : seconds < 5400
    ? [Math.round(seconds / 60), "minute"] as const
    : [Math.round(seconds / 3600), "hour"] as const
  return `${value} ${unit}${value === 1 ? "" : "s"}`
}

export const timeOfDay = (at: number): string => new Date(at).toLocaleTimeString([], { hour12: false })

export const dateAndTime = (at: number): string => new Date(at).toLocaleString([], { hour12: false })

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`

const languageNames: Readonly<Record<string, string>> = {
  python: "Python",
  javascript: "JavaScript",
  typescript: "TypeScript",
  r: "R",
  java: "Java"
}

export const languageName = (language: string): string => languageNames[language.toLowerCase()] ?? language
