/** The value of a `Server-Timing` header: how long each of the named steps took, in milliseconds. Steps without a duration are left out. */
export function serverTiming (steps: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(steps).flatMap(([name, ms]) => ms === undefined ? [] : [`${name};dur=${ms.toFixed(1)}`]).join(', ')
}
