import { isLakeUrl } from '../lib/store/open-store.js'

/** The value of an argument that has to be given. */
export function required (name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new Error(`${name} is missing, see --help`)
  return value
}

/** Digits, from `least` to `most`. */
export function wholeNumber (name: string, value: string, least: number, most: number): number {
  if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
  throw new Error(`${name} is a whole number from ${least} to ${most}, not '${value}'`)
}

/** A decimal number from 0 to 1. */
export function share (name: string, value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= 1) return Number(value)
  throw new Error(`${name} is a number from 0 to 1, not '${value}'`)
}

/** What keys begin with: nothing, or a folder. */
export function folderPrefix (name: string, value: string): string {
  if (value === '' || value.endsWith('/')) return value
  throw new Error(`${name} is empty or ends in /, unlike '${value}'`)
}

/** The URL of a store. */
export function lakeUrl (name: string, value: string): string {
  if (isLakeUrl(value)) return value
  throw new Error(`${name} is s3://<bucket> or file:<folder>, not '${value}'`)
}
