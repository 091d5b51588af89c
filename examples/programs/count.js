const { readdirSync, readFileSync } = require("node:fs")
const folder = `${require("node:os").tmpdir()}/demo`

const words = new Map()
for (const name of readdirSync(folder)) {
  for (const [word] of readFileSync(`${folder}/${name}`, "utf8").matchAll(/Effect\.[a-z]\w+/g)) {
    words.set(word, (words.get(word) ?? 0) + 1)
  }
}
;[...words].sort((a, b) => b[1] - a[1]).slice(0, 5).map(([word, count]) => `${word} ${count}`).join(", ")
