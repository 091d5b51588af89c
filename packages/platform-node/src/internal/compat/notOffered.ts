/** Browsers and desktops, which this SDK does not offer yet: their methods are there and say so. */
import { ExtensionOption } from "./browserOptions.js"
import { AGBError, BrowserError, ScreenError } from "./errors.js"
import type { BoolResult } from "./fileSystem.js"
import { type ApiResponse, refused } from "./results.js"

const textOf = (what: string): string => `${what} is not offered by this SDK yet`

/**
 * What a method that is not offered answers: `success` is false, and the message says so.
 *
 * @since 0.1.0
 * @category models
 */
export type NotOffered<Methods extends string, Result extends ApiResponse = BoolResult> = {
  readonly [Method in Methods]: (...args: ReadonlyArray<unknown>) => Promise<Result>
}

const notOffered = <Methods extends string, Fields extends object = {}>(
  owner: string,
  methods: ReadonlyArray<Methods>,
  fields?: Fields
): NotOffered<Methods, ApiResponse & Fields> =>
  Object.fromEntries(methods.map((method) => {
    const message = textOf(`${owner}.${method}`)
    return [method, () => Promise.resolve(refused(message, structuredClone(fields ?? {})))]
  })) as never

/**
 * What a method that is not offered does where the official one throws.
 *
 * @since 0.1.0
 * @category models
 */
export type Rejecting<Methods extends string> = {
  readonly [Method in Methods]: (...args: ReadonlyArray<unknown>) => Promise<never>
}

const rejecting = <Methods extends string>(
  owner: string,
  methods: ReadonlyArray<Methods>,
  Class: typeof AGBError
): Rejecting<Methods> =>
  Object.fromEntries(
    methods.map((method) => [method, () => Promise.reject(new Class(textOf(`${owner}.${method}`)))])
  ) as never

const data = (): { data?: boolean } => ({})

const mouse = "session.computer.mouse"
const app = "session.computer.app"

/**
 * The desktop of a session. Its methods answer that they are not offered yet; `screen.betaTakeScreenshot` rejects with a
 * `ScreenError`.
 *
 * @since 0.1.0
 * @category models
 */
export class Computer {
  readonly mouse = {
    ...notOffered(mouse, ["click", "move", "drag", "scroll"], data()),
    ...notOffered(mouse, ["getPosition"], { x: 0, y: 0 })
  }
  readonly keyboard = notOffered("session.computer.keyboard", ["type", "press", "release"], data())
  readonly window = {
    ...notOffered("session.computer.window", ["listRootWindows"], { windows: new Array<never>() }),
    ...notOffered("session.computer.window", ["getActiveWindow"], {} as { window?: never }),
    ...notOffered("session.computer.window", [
      "activate",
      "close",
      "maximize",
      "minimize",
      "restore",
      "resize",
      "fullscreen",
      "focusMode"
    ], data())
  }
  readonly app = {
    ...notOffered(app, ["start", "listInstalled", "getVisible"], { data: new Array<never>() }),
    ...notOffered(app, ["stopByPname", "stopByPid", "stopByCmd"])
  }
  readonly screen = {
    ...notOffered("session.computer.screen", ["capture"], {} as { data?: string }),
    ...notOffered("session.computer.screen", ["getSize"], { width: 0, height: 0, dpiScalingFactor: 0 }),
    ...rejecting("session.computer.screen", ["betaTakeScreenshot"], ScreenError)
  }
  readonly #flat = notOffered("session.computer", ["screenshot", "mouseClick", "keyPress"], data())

  screenshot(...args: ReadonlyArray<unknown>): Promise<BoolResult> {
    return this.#flat.screenshot(...args)
  }

  mouseClick(...args: ReadonlyArray<unknown>): Promise<BoolResult> {
    return this.#flat.mouseClick(...args)
  }

  keyPress(...args: ReadonlyArray<unknown>): Promise<BoolResult> {
    return this.#flat.keyPress(...args)
  }
}

/**
 * Buttons of a mouse.
 *
 * @since 0.1.0
 * @category constants
 */
export const MouseButton = Object.freeze(
  { LEFT: "left", RIGHT: "right", MIDDLE: "middle", DOUBLE_LEFT: "double_left" } as const
)

/**
 * Directions of scrolling.
 *
 * @since 0.1.0
 * @category constants
 */
export const ScrollDirection = Object.freeze({ UP: "up", DOWN: "down", LEFT: "left", RIGHT: "right" } as const)

const owner = "session.browser"

/**
 * The browser of a session. `initialize` resolves to false, `destroy` answers that it is not offered yet, and everything else
 * rejects with a `BrowserError`.
 *
 * @since 0.1.0
 * @category models
 */
export class Browser {
  readonly agent = rejecting(`${owner}.agent`, [
    "navigate",
    "screenshot",
    "act",
    "actAsync",
    "observe",
    "observeAsync",
    "extract",
    "extractAsync",
    "close"
  ], BrowserError)
  readonly #rejecting = rejecting(owner, ["getEndpointUrl", "screenshot"], BrowserError)
  readonly #refused = notOffered(owner, ["destroy"], data())

  /** Emits a process warning that says why. */
  async initialize(_options?: unknown): Promise<boolean> {
    process.emitWarning(textOf("session.browser"), { code: "AGB_NOT_OFFERED" })
    return false
  }

  initializeAsync(options?: unknown): Promise<boolean> {
    return this.initialize(options)
  }

  isInitialized(): boolean {
    return false
  }

  getOption(): null {
    return null
  }

  destroy(): Promise<BoolResult> {
    return this.#refused.destroy()
  }

  getEndpointUrl(): Promise<never> {
    return this.#rejecting.getEndpointUrl()
  }

  screenshot(...args: ReadonlyArray<unknown>): Promise<never> {
    return this.#rejecting.screenshot(...args)
  }
}

/**
 * Extensions of browsers. Its methods reject: they are not offered yet.
 *
 * @since 0.1.0
 * @category models
 */
export class ExtensionsService {
  readonly #methods = rejecting("ExtensionsService", ["list", "create", "update", "delete", "cleanup"], AGBError)
  readonly #contextId: string

  constructor(_agb: object, contextId: string = "") {
    this.#contextId = contextId
  }

  createExtensionOption(extensionIds: ReadonlyArray<string>): ExtensionOption {
    return new ExtensionOption(this.#contextId, extensionIds)
  }

  list(): Promise<never> {
    return this.#methods.list()
  }

  create(_localPath: string): Promise<never> {
    return this.#methods.create()
  }

  update(_extensionId: string, _localPath: string): Promise<never> {
    return this.#methods.update()
  }

  delete(_extensionId: string): Promise<never> {
    return this.#methods.delete()
  }

  cleanup(): Promise<never> {
    return this.#methods.cleanup()
  }
}
