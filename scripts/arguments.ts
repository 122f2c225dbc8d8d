import { isLakeUrl } from '../lib/store/open-store.js'

/** Returns the value of a required argument. @throws Error if it is missing */
export function required (name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new Error(`${name} is missing; see --help`)
  return value
}

/** Parses a whole number from `min` to `max`, both inclusive. @throws Error */
export function wholeNumber (name: string, value: string, min: number, max: number): number {
  if (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
  throw new Error(`${name}: got '${value}'; must be an integer from ${min} to ${max}`)
}

/** Parses a decimal number from 0 to 1. @throws Error */
export function share (name: string, value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= 1) return Number(value)
  throw new Error(`${name}: got '${value}'; must be a number from 0 to 1`)
}

/** Checks a prefix of object keys: empty, or ending in a slash. @throws Error */
export function folderPrefix (name: string, value: string): string {
  if (value === '' || value.endsWith('/')) return value
  throw new Error(`${name}: got '${value}'; must be empty or end in /`)
}

/** Checks the URL of a lake. @throws Error */
export function lakeUrl (name: string, value: string): string {
  if (isLakeUrl(value)) return value
  throw new Error(`${name}: got '${value}'; must be s3://<bucket> or file:<folder>`)
}
