/** pip, npm and R in a session: what they install is there at once, for code and for commands, and what fails is said. */
import type { Language } from "@effect-agb/core/AgbTools"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { afterAll } from "vitest"
import { findInterpreters } from "../../src/internal/sandbox/languages/interpreterSearch.js"
import { make, type Sandbox } from "../../src/internal/sandbox/sandbox.js"
import { probeAll } from "../../src/Isolation.js"

const confined = process.platform === "linux" ? await Effect.runPromise(probeAll) : []
const can = (code: string) => spawnSync("/usr/bin/python3", ["-c", code]).status === 0
const hasPip = can("import pip, sys; sys.exit(sys.version_info < (3, 8))")

const run = (sandbox: Sandbox, code: string, language: Language = "python") =>
  Effect.map(sandbox.call({ op: "runCode", language, code, timeoutMs: 60_000 }), ({ body, value }) => {
    const { error, results } = value as {
      readonly error: { readonly name: string; readonly value: string } | null
      readonly results: ReadonlyArray<Record<string, unknown>>
    }
    return { error, value: results[0]?.["text/plain"], output: Buffer.from(body).toString() }
  })

const shell = (sandbox: Sandbox, command: string) =>
  Effect.map(
    sandbox.call({ op: "shell", command: `${command} 2>&1`, timeoutMs: 60_000 }),
    ({ body }) => Buffer.from(body).toString()
  )

const valueOf = (sandbox: Sandbox, code: string) =>
  Effect.map(run(sandbox, code), ({ error, output, value }) => {
    assert.isNull(error, output)
    return value
  })

/** Writes wheels of one module and one program to the folder `wheels` of the temporary directory. */
const writeWheels = `
import os, tempfile, zipfile
folder = tempfile.gettempdir() + "/wheels"
os.makedirs(folder, exist_ok=True)
for name, version in (("agbtiny", "1.0"), ("agbtiny", "2.0"), ("agbother", "1.0")):
    info = "%s-%s.dist-info/" % (name, version)
    with zipfile.ZipFile("%s/%s-%s-py3-none-any.whl" % (folder, name, version), "w") as wheel:
        wheel.writestr(name + ".py", "version = %r\\ndef say(): print(%r, version)\\n" % (version, name))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version))
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\n%s-say = %s:say\\n" % (name, name))
        wheel.writestr(info + "RECORD", "")
`

const from = "--no-index --find-links {folder}"

/** A running kernel that has no package yet finds what a command installs. */
const installsByCommand = (sandbox: Sandbox) =>
  Effect.gen(function*() {
    assert.strictEqual(yield* valueOf(sandbox, `${writeWheels}\n1`), "1")
    yield* shell(sandbox, "pip install -q --no-index --find-links \"$TMPDIR/wheels\" agbother")
    assert.strictEqual(yield* valueOf(sandbox, "import agbother; agbother.version"), "'1.0'")
  })

/** Installs, upgrades, lists, runs and removes a package, and another one from a shell. */
const installs = (sandbox: Sandbox) =>
  Effect.gen(function*() {
    yield* valueOf(sandbox, writeWheels)
    const first = yield* valueOf(sandbox, `%pip install -q ${from} agbtiny==1.0\nimport agbtiny\nagbtiny.version`)
    assert.strictEqual(first, "'1.0'")
    assert.strictEqual(yield* shell(sandbox, "agbtiny-say"), "agbtiny 1.0\n")
    const upgrade = `%pip install -q -U ${from} agbtiny\nimport importlib\nimportlib.reload(agbtiny).version`
    assert.strictEqual(yield* valueOf(sandbox, upgrade), "'2.0'")
    assert.match(yield* shell(sandbox, "pip list"), /agbtiny +2\.0/)

    yield* installsByCommand(sandbox)
    assert.match((yield* run(sandbox, "%pip uninstall -y agbtiny")).output, /Successfully uninstalled agbtiny-2\.0/)
    assert.include(yield* shell(sandbox, "python3 -c 'import agbtiny'"), "No module named 'agbtiny'")
    const kept = "import os, sys; [path for path in sys.path if path.startswith(os.environ['HOME'])].__len__()"
    assert.strictEqual(yield* valueOf(sandbox, kept), "1")
  })

const saysWhatFails = (sandbox: Sandbox) =>
  Effect.gen(function*() {
    const { error, output } = yield* run(sandbox, "%pip install --no-index agbnowhere\nprint('went on')")
    assert.include(error, { name: "CalledProcessError" })
    assert.strictEqual(error?.value, "Command '%pip install --no-index agbnowhere' returned non-zero exit status 1.")
    assert.include(output, "No matching distribution found for agbnowhere")
    assert.notInclude(output, "went on")
  })

/** The environment of a session is made in two ways: with a root directory of its own, and on disk. */
const kinds = [...new Map(confined.map((each) => [each.level, each] as const).reverse())]

describe.skipIf(kinds.length === 0 || !hasPip).each(kinds)("pip in a sandbox, %s", (_, isolation) => {
  it.scopedLive("installs into the session, with the Python of the system", () =>
    Effect.gen(function*() {
      const interpreters = yield* findInterpreters(isolation.confinement)
      const sandbox = yield* make({ isolation, interpreters })
      yield* installsByCommand(sandbox)
      yield* installs(sandbox)
      yield* saysWhatFails(sandbox)
    }))
})

const npmPackage = `
mkdir -p "$TMPDIR/dep" && cd "$TMPDIR/dep"
echo '{"name":"dep","version":"1.0.0","main":"main.js","bin":{"dep-say":"say.js"}}' > package.json
echo 'module.exports = "required"' > main.js
printf '#!/usr/bin/env node\nconsole.log("said")' > say.js
npm pack --silent && npm install -g --offline --silent ./dep-1.0.0.tgz && dep-say && node -p 'require("dep")'
`

const rPackage = `
mkdir -p "$TMPDIR/dep/R" && cd "$TMPDIR"
printf 'Package: dep\nVersion: 1.0\nTitle: T\nDescription: D.\nLicense: MIT\nAuthor: a\nMaintainer: a <a@b.c>\n' > dep/DESCRIPTION
echo 'export(answer)' > dep/NAMESPACE; echo 'answer <- function() 42' > dep/R/answer.R
tar czf dep.tar.gz dep/DESCRIPTION dep/NAMESPACE dep/R
`

const rInstall = "install.packages(file.path(Sys.getenv('TMPDIR'), 'dep.tar.gz'), repos = NULL, quiet = TRUE, " +
  "INSTALL_opts = c('--no-byte-compile', '--no-help', '--no-test-load'))"

const hasNpm = spawnSync("npm", ["--version"]).status === 0
const hasR = spawnSync("Rscript", ["--version"]).status === 0

describe.skipIf(kinds.length === 0).each(kinds)("packages in a sandbox, %s", (_, isolation) => {
  const start = Effect.flatMap(
    findInterpreters(isolation.confinement),
    (interpreters) => make({ isolation, interpreters })
  )

  it.scopedLive.skipIf(!hasNpm)(
    "are installed by npm -g, for running code and for commands",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* start
        yield* run(sandbox, "1", "javascript")
        assert.strictEqual(yield* shell(sandbox, npmPackage), "dep-1.0.0.tgz\nsaid\nrequired\n")
        const used = yield* run(sandbox, "import dep from 'dep'\n[dep, require('dep')].join()", "javascript")
        assert.strictEqual(used.value, "'required,required'", used.output)
      })
  )

  it.scopedLive.skipIf(!hasR)(
    "are installed by install.packages, for running code and for commands",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* start
        yield* shell(sandbox, rPackage)
        const { error, output, value } = yield* run(sandbox, `${rInstall}\ndep::answer()`, "r")
        assert.isNull(error, output)
        assert.strictEqual(value, "[1] 42")
        assert.strictEqual(yield* shell(sandbox, "Rscript -e 'cat(dep::answer())'"), "42")
        assert.strictEqual(yield* shell(sandbox, "ls -A \"$HOME\""), "")
      })
  )
})

const folder = Fs.mkdtempSync("/tmp/agb-venv-")
Fs.chmodSync(folder, 0o755)
afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

describe.skipIf(confined[0] === undefined || !can("import venv, ensurepip"))("pip over a virtual environment", () => {
  it.scopedLive.each([[true], [false]])(
    "installs into the session (with a pip of its own: %s)",
    ([withPip]) =>
      Effect.gen(function*() {
        const [isolation = assert.fail("there is none")] = confined
        const venv = `${folder}/${withPip ? "with" : "without"}`
        execFileSync("/usr/bin/python3", ["-m", "venv", ...(withPip ? [] : ["--without-pip"]), venv])
        const [version = ""] = Fs.readdirSync(`${venv}/lib`)
        Fs.writeFileSync(`${venv}/lib/${version}/site-packages/agbshared.py`, "shared = 1\n")
        const { PATH: path } = process.env
        process.env.PATH = `${venv}/bin:${path}`
        const interpreters = yield* Effect.ensuring(
          findInterpreters(isolation.confinement),
          Effect.sync(() => process.env.PATH = path)
        )
        const sandbox = yield* make({ isolation, interpreters })
        yield* saysWhatFails(sandbox)
        yield* installs(sandbox)
        assert.strictEqual(yield* valueOf(sandbox, "import agbshared; agbshared.shared"), "1")
        assert.strictEqual(yield* shell(sandbox, "python3 -c 'import agbshared, agbother; print(1)'"), "1\n")
      }),
    240_000
  )
})

describe.skipIf(confined[0] === undefined || !hasPip)("commands of notebooks that fail", () => {
  it.scopedLive("do not raise, and leave their exit code", () =>
    Effect.gen(function*() {
      const [isolation = assert.fail("there is none")] = confined
      const sandbox = yield* make({ isolation, interpreters: yield* findInterpreters(isolation.confinement) })
      const { error, output, value } = yield* run(sandbox, "!echo told; exit 3\n_exit_code")
      assert.isNull(error)
      assert.deepStrictEqual([value, output], ["3", "told\n"])
      assert.strictEqual(yield* valueOf(sandbox, "!kill -9 $$\n_exit_code"), "-9")
      assert.strictEqual(yield* valueOf(sandbox, "!sh -c 'kill -15 $$'; exit $?\n_exit_code"), "-15")
      assert.strictEqual(yield* valueOf(sandbox, "!true\n_exit_code"), "0")
    }))
})
