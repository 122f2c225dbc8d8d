import fc from 'fast-check'

/** A change of a text or of bytes. Positions and lengths are reduced to the length of what is changed. */
export type Mutation =
  | { readonly kind: 'insert', readonly at: number, readonly text: string }
  | { readonly kind: 'replace', readonly at: number, readonly length: number, readonly text: string }
  | { readonly kind: 'remove' | 'repeat', readonly at: number, readonly length: number }
  | { readonly kind: 'cut', readonly at: number }
  | { readonly kind: 'flip', readonly at: number, readonly bit: number }

/** Up to four mutations, none in some cases. @param tokens texts that have a meaning in the format, which are inserted */
export function mutations (tokens: readonly string[]): fc.Arbitrary<readonly Mutation[]> {
  const at = fc.nat(4096)
  const length = fc.integer({ min: 1, max: 12 })
  const text = fc.constantFrom(...tokens)
  return fc.array(fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), at, text }),
    fc.record({ kind: fc.constant('replace' as const), at, length, text }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'repeat' as const), at, length }),
    fc.record({ kind: fc.constant('cut' as const), at }),
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) })
  ), { maxLength: 4 })
}

/** Applies mutations to bytes, one after the other. Inserted texts are in UTF-8. */
export function mutateBytes (bytes: Buffer, changes: readonly Mutation[]): Buffer {
  return changes.reduce(changeBytes, bytes)
}

function changeBytes (bytes: Buffer, change: Mutation): Buffer {
  const at = change.at % (bytes.length + 1)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (change.kind) {
    case 'insert': return Buffer.concat([before, Buffer.from(change.text), after])
    case 'replace': return Buffer.concat([before, Buffer.from(change.text), after.subarray(change.length)])
    case 'remove': return Buffer.concat([before, after.subarray(change.length)])
    case 'repeat': return Buffer.concat([before, after.subarray(0, change.length), after])
    case 'cut': return before
    case 'flip': return Buffer.concat([before, ...after.length === 0 ? [] : [Buffer.of(after[0]! ^ 1 << change.bit), after.subarray(1)]])
  }
}

/** Applies mutations to a text, by UTF-16 code units. Half a surrogate pair may remain. */
export function mutateText (text: string, changes: readonly Mutation[]): string {
  return changes.reduce(changeText, text)
}

function changeText (text: string, change: Mutation): string {
  const at = change.at % (text.length + 1)
  const [before, after] = [text.slice(0, at), text.slice(at)]
  switch (change.kind) {
    case 'insert': return before + change.text + after
    case 'replace': return before + change.text + after.slice(change.length)
    case 'remove': return before + after.slice(change.length)
    case 'repeat': return before + after.slice(0, change.length) + after
    case 'cut': return before
    case 'flip': return before + (after === '' ? '' : String.fromCharCode(after.charCodeAt(0) ^ 1 << change.bit)) + after.slice(1)
  }
}
