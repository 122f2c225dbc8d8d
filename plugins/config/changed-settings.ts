import { SettingsSchema, type Settings } from './settings.js'

/** The settings that differ from their defaults. Secret values, and user names and passwords in URLs, are removed. */
export function changedSettings (config: Settings): Record<string, unknown> {
  const defaults = SettingsSchema.properties as unknown as Record<string, { readonly default: unknown, readonly isSecret?: boolean }>
  const values = config as Readonly<Record<string, unknown>>
  const changed = Object.keys(defaults).filter((name) => values[name] !== defaults[name]!.default)
  return Object.fromEntries(changed.map((name) => [name, defaults[name]!.isSecret ? '(set)' : withoutUserInfo(values[name])]))
}

function withoutUserInfo (value: unknown): unknown {
  return typeof value === 'string' ? replaceUserInfo(value, '') : value
}

/** Replaces the user names and passwords of URLs, each with the @ at its end. */
export function replaceUserInfo (text: string, replacement: string): string {
  return text.replace(/(:\/\/)[^/]*@/g, `$1${replacement}`)
}
