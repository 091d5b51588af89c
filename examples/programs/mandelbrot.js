// Draws the Mandelbrot set: as text, line by line while it is computed, and in the end as a PNG, which it encodes itself.
const { deflateSync } = require("node:zlib")

/** Steps until the point escapes, at most 200. */
const steps = (x, y) => {
  let [a, b, n] = [0, 0, 0]
  while (a * a + b * b < 4 && n < 200) [a, b, n] = [a * a - b * b + x, 2 * a * b + y, n + 1]
  return n
}

const at = (column, row, width, height) => steps(-2.2 + 3.2 * column / width, -1.2 + 2.4 * row / height)

for (let row = 0; row < 15; row++) {
  const line = Array.from({ length: 64 }, (_, column) => " .:-=+*#%@"[Math.min(9, Math.floor(at(column, row, 64, 15) / 4))])
  console.log(line.join("").trimEnd())
  await new Promise((go) => setTimeout(go, 40))
}

const [width, height] = [480, 360]

const colour = (n) => n === 200 ? [16, 16, 32] : [9, 5, 2].map((k) => Math.round(127.5 * (1 - Math.cos(n * k / 24))))

const rows = Array.from({ length: height }, (_, row) => [0, ...Array.from({ length: width }, (_, column) => column)
  .flatMap((column) => colour(at(column, row, width, height)))])

const crc = (bytes) => {
  let sum = -1
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1
  }
  return ~sum >>> 0
}

const number = (value) => Buffer.from([value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255])

const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type), data])
  return Buffer.concat([number(data.length), body, number(crc(body))])
}

const png = Buffer.concat([
  Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
  chunk("IHDR", Buffer.concat([number(width), number(height), Buffer.from([8, 2, 0, 0, 0])])),
  chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
  chunk("IEND", Buffer.alloc(0))
])

;({ [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "the Mandelbrot set", "image/png": png.toString("base64") }) })
