/** The document and the assets of the pages, which `scripts/pageBundle.mjs` has put into `dist/page`. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { packageFolder } from "../../../sandbox/process/packageFolder.js"
import type { PageTarget } from "../access/pageHosts.js"

export interface Asset {
  readonly type: string
  readonly bytes: Uint8Array
}

export interface Bundle {
  readonly document: (kind: PageTarget["kind"]) => string
  /** Undefined if there is no asset of this name. */
  readonly asset: (name: string) => Effect.Effect<Asset | undefined>
}

const Manifest = Schema.parseJson(Schema.Struct({
  document: Schema.String,
  assets: Schema.Record({ key: Schema.String.pipe(Schema.pattern(/^[\w.-]+$/)), value: Schema.String })
}))

const notBuilt = "<!doctype html><html lang=\"en\"><title>agb</title>" +
  "<p>The page is not built: it is made with <code>node scripts/pageBundle.mjs</code>.</html>"

const meta = (kind: string): string => `<meta name="agb-page" content="${kind}">`

/** Tells the scripts of the document which page they are. */
const withKind = (document: string, kind: PageTarget["kind"]): string => {
  const known = /<meta name="?agb-page"? content="?\w*"?\s*\/?>/i
  if (known.test(document)) return document.replace(known, meta(kind))
  return /<head>/i.test(document)
    ? document.replace(/<head>/i, `$&${meta(kind)}`)
    : document.replace(/<!doctype html>/i, `$&${meta(kind)}`)
}

const nothing: Bundle = {
  document: (kind) => withKind(notBuilt, kind),
  asset: () => Effect.succeed(undefined)
}

const load = async (folder: string): Promise<Bundle> => {
  const manifest = Schema.decodeUnknownSync(Manifest)(await Fs.readFile(Path.join(folder, "manifest.json"), "utf8"))
  const assets = new Map<string, Promise<Asset>>()
  const read = async (name: string, type: string): Promise<Asset> => ({
    type,
    bytes: await Fs.readFile(Path.join(folder, name))
  })
  return {
    document: (kind) => withKind(manifest.document, kind),
    asset: (name) => {
      const type = Object.hasOwn(manifest.assets, name) ? manifest.assets[name] : undefined
      if (type === undefined) return Effect.succeed(undefined)
      const known = assets.get(name) ?? read(name, type)
      assets.set(name, known)
      return Effect.promise(() => known)
    }
  }
}

/** Read for the first page. A folder that is not there is looked for again. */
export const make = (
  folder = Path.join(packageFolder(import.meta.url) ?? ".", "dist", "page")
): Effect.Effect<Bundle> => {
  let loaded: Bundle | undefined
  return Effect.suspend(() =>
    loaded === undefined
      ? Effect.promise(() => load(folder).then((bundle) => loaded = bundle, () => nothing))
      : Effect.succeed(loaded)
  )
}
