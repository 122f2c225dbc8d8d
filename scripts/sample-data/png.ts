import { crc32, deflateSync } from 'node:zlib'

/** An image in four colours. `pixels` contains one palette index (0 to 3) per byte, row by row. */
export interface Bitmap {
  readonly width: number
  readonly height: number
  readonly palette: readonly string[]
  readonly pixels: Uint8Array
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex')

/** Encodes a bitmap as a PNG with two bits per pixel. The width must be a multiple of 4; palette colours are `rrggbb`. */
export function encodePng ({ width, height, palette, pixels }: Bitmap): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0])
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.join(''), 'hex')),
    // Stored without compression, so that the bytes do not depend on the version of zlib.
    chunk('IDAT', deflateSync(scanlines(width, height, pixels), { level: 0 })),
    chunk('IEND', Buffer.alloc(0))
  ])
}

/** The rows with four pixels per byte. Each row begins with a 0 byte, PNG's filter type "none". */
function scanlines (width: number, height: number, pixels: Uint8Array): Buffer {
  const stride = 1 + width / 4
  const rows = Buffer.alloc(stride * height)
  for (let i = 0; i < pixels.length; i += 4) {
    const at = Math.floor(i / width) * stride + 1 + i % width / 4
    rows[at] = pixels[i]! << 6 | pixels[i + 1]! << 4 | pixels[i + 2]! << 2 | pixels[i + 3]!
  }
  return rows
}

/** A PNG chunk: length, type, data, and the CRC of type and data. */
function chunk (type: string, data: Buffer): Buffer {
  const framed = Buffer.alloc(data.length + 12)
  framed.writeUInt32BE(data.length, 0)
  framed.write(type, 4, 'latin1')
  data.copy(framed, 8)
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), data.length + 8)
  return framed
}
