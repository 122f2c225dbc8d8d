declare const process: { readonly argv: readonly string[] }

/** The service that a program is run against. */
export const serviceUrl = process.argv[2] ?? ''

export function equal (actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`got ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}
