import { isLakeUrl } from '../lib/store/open-store.js'

/** Returns the value of a required argument. @throws Error if it is missing */
export function required (name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new Error(`${name} is missing; see --help`)
  return value
}

/** Parses a whole number from `min` to `max`, both inclusive. @throws Error */
export function wholeNumber (name: string, value: string, min: number, max: number): number {
  if (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
  throw new Error(`${name} must be a whole number from ${min} to ${max}; got '${value}'`)
}

/** Parses a decimal number from 0 to 1. @throws Error */
export function share (name: string, value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= 1) return Number(value)
  throw new Error(`${name} must be a number from 0 to 1; got '${value}'`)
}

/** Checks a prefix of object keys: empty, or ending in a slash. @throws Error */
export function folderPrefix (name: string, value: string): string {
  if (value === '' || value.endsWith('/')) return value
  throw new Error(`${name} must be empty or end in /; got '${value}'`)
}

/** Checks the URL of a lake. @throws Error */
export function lakeUrl (name: string, value: string): string {
  if (isLakeUrl(value)) return value
  throw new Error(`${name} must be s3://<bucket> or file:<folder>; got '${value}'`)
}
