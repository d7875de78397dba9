/**
 * A photograph made ready to leave this device: upright, at most 2,560 pixels on the long edge, a JPEG, and without
 * the metadata of the file, the place where it was taken included. The drawing itself is what removes all of that.
 */
import { bytes } from './format'

export interface Picture {
  blob: Blob
  sha256: string
}

export interface Prepared extends Picture {
  width: number
  height: number
  colour: string
  thumbnail: Picture
}

export class Unusable extends Error {
  override name = 'Unusable'
}

const LONGEST_EDGE = 2_560
const THUMBNAIL_EDGE = 760
const TYPE = 'image/jpeg'
const QUALITY = 0.86
const THUMBNAIL_QUALITY = 0.8
/** Larger files are not read at all: decoding them could take the page down. */
const READ_FACTOR = 4

export async function prepare(file: File, photoBytes: number): Promise<Prepared> {
  if (file.size > photoBytes * READ_FACTOR) throw new Unusable(tooLarge(file.size, photoBytes * READ_FACTOR))
  const bitmap = await decode(file)
  try {
    const full = draw(bitmap, LONGEST_EDGE)
    const small = draw(bitmap, THUMBNAIL_EDGE)
    const picture = await encode(full, QUALITY)
    if (picture.blob.size > photoBytes) throw new Unusable(tooLarge(picture.blob.size, photoBytes))
    const thumbnail = await encode(small, THUMBNAIL_QUALITY)
    return { ...picture, width: full.width, height: full.height, colour: meanColour(small), thumbnail }
  } finally {
    bitmap.close()
  }
}

const tooLarge = (size: number, limit: number) => `This file has ${bytes(size)}; the limit is ${bytes(limit)}.`

async function decode(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch {
    if (await isHeic(file)) {
      throw new Unusable('This browser cannot decode HEIC photographs. Export it as a JPEG and add that.')
    }
    throw new Unusable('This file cannot be read as a photograph. Try a JPEG, PNG or WebP.')
  }
}

const HEIC_BRANDS = /^ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)/

/** By what is in the file; names and declared types are often missing or wrong. */
export async function isHeic(file: Blob): Promise<boolean> {
  const head = new Uint8Array(await file.slice(4, 12).arrayBuffer())
  return HEIC_BRANDS.test(String.fromCharCode(...head))
}

/** The size that fits into a square of `edge`, never larger than it was. */
export function fit(width: number, height: number, edge: number): { width: number; height: number } {
  const scale = Math.min(1, edge / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

function draw(bitmap: ImageBitmap, edge: number): OffscreenCanvas {
  const { width, height } = fit(bitmap.width, bitmap.height, edge)
  const canvas = new OffscreenCanvas(width, height)
  const context = contextOf(canvas)
  context.fillStyle = '#fff' // JPEG has no transparency
  context.fillRect(0, 0, width, height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, width, height)
  return canvas
}

function meanColour(canvas: OffscreenCanvas): string {
  const context = contextOf(new OffscreenCanvas(1, 1))
  context.imageSmoothingQuality = 'high'
  context.drawImage(canvas, 0, 0, 1, 1)
  const channels = context.getImageData(0, 0, 1, 1).data.slice(0, 3)
  return `#${hex(channels)}`
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d')
  if (!context) throw new Unusable('This browser has no memory left to prepare the photograph.')
  return context
}

async function encode(canvas: OffscreenCanvas, quality: number): Promise<Picture> {
  const blob = await canvas.convertToBlob({ type: TYPE, quality })
  return { blob, sha256: await sha256(blob) }
}

export async function sha256(blob: Blob): Promise<string> {
  // Browsers give crypto.subtle to secure pages only: https, or localhost.
  if (!globalThis.crypto?.subtle) throw new Unusable('Photographs can only be added over https.')
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())))
}

const hex = (values: ArrayLike<number>) => Array.from(values, value => value.toString(16).padStart(2, '0')).join('')
