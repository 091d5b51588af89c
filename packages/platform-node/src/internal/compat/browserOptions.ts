/** Options of browsers and extensions: they can be made, and what takes them answers that browsers are not offered yet. */

/**
 * Fields of browsers, as the official SDK names them. Nothing reads them here.
 *
 * @since 0.1.0
 * @category models
 */
export interface BrowserFields {
  readonly [field: string]: unknown
}

/** Has the fields that it is given. */
class Fields implements BrowserFields {
  readonly [field: string]: unknown

  constructor(fields: object = {}) {
    Object.assign(this, fields)
  }
}

/**
 * Options of a browser.
 *
 * @since 0.1.0
 * @category models
 */
export class BrowserOptionClass extends Fields {}

/**
 * The proxy of a browser.
 *
 * @since 0.1.0
 * @category models
 */
export class BrowserProxy extends Fields {}

/**
 * A fingerprint of a browser.
 *
 * @since 0.1.0
 * @category models
 */
export class FingerprintFormat extends Fields {}

/**
 * Makes fingerprints of browsers.
 *
 * @since 0.1.0
 * @category models
 */
export class BrowserFingerprintGenerator extends Fields {}

/**
 * The context that persists the data of a browser. `agb.create` refuses it.
 *
 * @since 0.1.0
 * @category models
 */
export class BrowserContext {
  contextId: string
  autoUpload: boolean

  constructor(contextId: string, autoUpload: boolean = true, ..._more: ReadonlyArray<unknown>) {
    this.contextId = contextId
    this.autoUpload = autoUpload
  }
}

/**
 * The context of a browser's fingerprint.
 *
 * @since 0.1.0
 * @category models
 */
export class BrowserFingerprintContext {
  fingerprintContextId: string

  constructor(fingerprintContextId: string) {
    this.fingerprintContextId = fingerprintContextId
  }
}

/**
 * Extensions that a browser loads from a context.
 *
 * @since 0.1.0
 * @category models
 */
export class ExtensionOption {
  contextId: string
  extensionIds: Array<string>

  constructor(contextId: string, extensionIds: ReadonlyArray<string>) {
    this.contextId = contextId
    this.extensionIds = [...extensionIds]
  }
}
