import { crc32, inflateSync } from 'node:zlib'

/** Decodes a PNG with a palette and two bits per pixel; throws if it is anything else. Pixels are colours as `rrggbb`. */
export function decodePng (png: Buffer): { width: number, height: number, pixels: string[] } {
  const chunks = readChunks(png)
  const header = chunks.get('IHDR')!
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  if (header.toString('hex', 8) !== '0203000000') throw new Error('not two bits a pixel, or no palette')
  const palette = chunks.get('PLTE')!.toString('hex').match(/.{6}/g)!
  const rows = inflateSync(chunks.get('IDAT')!)
  const stride = 1 + width / 4
  if (rows.length !== stride * height) throw new Error('the number of pixels does not match the size')
  const pixels = Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    const byte = rows[y * stride + 1 + (x >> 2)]!
    return palette[byte >> 6 - 2 * (x & 3) & 3]!
  })
  return { width, height, pixels }
}

function readChunks (png: Buffer): Map<string, Buffer> {
  if (png.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error('no PNG signature')
  const chunks = new Map<string, Buffer>()
  let at = 8
  while (at < png.length) {
    const end = at + 8 + png.readUInt32BE(at)
    if (crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) throw new Error('a chunk has a wrong checksum')
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, end))
    at = end + 4
  }
  if ([...chunks.keys()].at(-1) !== 'IEND') throw new Error('the last chunk is not IEND')
  return chunks
}
