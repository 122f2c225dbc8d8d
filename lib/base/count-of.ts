/** A number with the word for what it counts, for messages: "1 record", "2 records". `several` is the plural, if it is not `one` with an s. */
export function countOf (count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
