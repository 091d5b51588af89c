export declare const isInstalled: boolean
export declare class Postgres {
  readonly folder: string
  readonly start: () => Promise<void>
  readonly restart: () => Promise<void>
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
  readonly remove: () => void
  readonly query: (sql: string, database?: string) => Promise<string>
}
