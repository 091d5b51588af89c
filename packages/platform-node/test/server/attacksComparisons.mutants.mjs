/** What `attacksComparisons.test.ts` watches over, each broken on purpose. */

const gate = `packages/platform-node/src/internal/server/http/originCheck.ts`
const contexts = "packages/platform-node/src/internal/contexts"
const urls = `${contexts}/signedUrls.ts`

/** @type {ReadonlyArray<import("../../../../scripts/mutants/mutant.mjs").Mutant>} */
export default [
  {
    defence: "keys and tokens: compared in constant time",
    changes: {
      [gate]: [["Crypto.timingSafeEqual(expected, digest(given ?? \"\")) && given !== undefined", "given === secret"], [
        "  const expected = digest(secret)\n",
        ""
      ]]
    },
    caughtBy: "is compared by its hash"
  },
  {
    defence: "keys and tokens: compared by their hash, whatever their length",
    changes: { [gate]: [["(given) => Crypto", "(given) => given?.length === secret.length && Crypto"]] },
    caughtBy: "is compared by its hash"
  },
  {
    defence: "a presigned URL: compared in constant time",
    changes: {
      [urls]: [[
        "!Crypto.timingSafeEqual(signature(grant), Buffer.from(given, \"hex\"))",
        "signature(grant).toString(\"hex\") !== given"
      ]]
    },
    caughtBy: "that signs a URL"
  }
]
