/** What `network.test.ts` watches over, each broken on purpose. */

const exchange = "packages/core/src/internal/client/transport/exchange.ts"
const client = "packages/core/src/AgbClient.ts"
const node = "packages/platform-node/src/internal/node"

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "what undici did not start to write was not sent",
    changes: { [exchange]: [["const isUnsent = stage === \"unknown\"", "const isUnsent = stage !== \"sent\""]] },
    caughtBy: "a reset in the TLS handshake: nothing was sent"
  },
  {
    defence: "a deadline while connecting is one of a call that was not sent",
    changes: {
      [`${node}/undiciTransport.ts`]: [["      this.#advance(\"connecting\")", "      this.#advance(\"sent\")"]]
    },
    caughtBy: "a TLS handshake that hangs: nothing was sent"
  },
  {
    defence: "a rejected certificate is not tried again",
    changes: {
      "packages/core/src/internal/client/transport/exchangeFailure.ts": [["retryable: !isUntrusted && ", "retryable: "]]
    },
    caughtBy: "a certificate that is not trusted: nothing was sent, and it is not tried again"
  },
  {
    defence: "connections are bounded",
    changes: { [`${node}/connectionPool.ts`]: [["this.#clients.size < this.#size ?", "this.#size > 0 ?"]] },
    caughtBy: "a thousand calls at once open a bounded number of them, and all succeed"
  },
  {
    defence: "calls that take minutes have connections of their own",
    changes: { [`${node}/undiciTransport.ts`]: [["exchange.isLong ?? false", "false"]] },
    caughtBy: "runs that take all of theirs hold up neither reads nor deletions"
  },
  {
    defence: "a run that waits when its session is lost was not sent",
    changes: { [client]: [["outcome.exact(options.onCancel)", "options.onCancel"]] },
    caughtBy: "a run that waits for one when its session is lost was not sent"
  },
  {
    defence: "no run on a socket that was idle for long",
    changes: { [`${node}/connectionPool.ts`]: [["const freshFor = 500", "const freshFor = 5000"]] },
    caughtBy: "carries no run after half a second, when the server may be closing it"
  },
  {
    defence: "sockets that are connecting end with the layer",
    changes: { [`${node}/undiciTransport.ts`]: [["    this.#closing.abort()\n", ""]] },
    caughtBy: "leaves nothing that is still connecting"
  },
  {
    defence: "a timer ends with its call",
    changes: {
      "packages/core/src/internal/client/deadline/timer.ts": [[
        "return () => clearTimeout(timer)",
        "return () => void timer"
      ]]
    },
    caughtBy: "leaves nothing that keeps the process alive"
  }
]
