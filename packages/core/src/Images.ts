/**
 * Names of known images. A server may have others, and an account may have images of its own: any name can be passed as `imageId`.
 *
 * @since 0.1.0
 */

/**
 * Code, commands and files.
 *
 * @since 0.1.0
 * @category constants
 */
export const codeSpace1 = "agb-code-space-1"

/**
 * Code, commands and files; the newer one.
 *
 * @since 0.1.0
 * @category constants
 */
export const codeSpace2 = "agb-code-space-2"

/**
 * A browser.
 *
 * @since 0.1.0
 * @category constants
 */
export const browserUse1 = "agb-browser-use-1"

/**
 * A desktop of Ubuntu 22.04.
 *
 * @since 0.1.0
 * @category constants
 */
export const computerUseUbuntu2204 = "agb-computer-use-ubuntu-2204"

/**
 * The image of the oldest clients, for code.
 *
 * @since 0.1.0
 * @category constants
 */
export const codeLatest = "code_latest"
