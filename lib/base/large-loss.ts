/** How many records are lost, and how many there were before. */
export interface Loss { readonly lost: number, readonly before: number }

/** The smallest number of lost records that can be a large loss. */
export const MIN_LOSS = 100

/** Whether a loss is so large that it is probably not intended. @param maxLoss the greatest share of the records whose loss is not large, from 0 to 1; at 1, no loss is large */
export function isLargeLoss ({ lost, before }: Loss, maxLoss: number): boolean {
  return lost >= MIN_LOSS && lost > maxLoss * before && maxLoss < 1
}

/** Parses a percentage from 0 % to 100 %, such as `20%`, as a share. Returns `undefined` if the text is not such a percentage. */
export function parseShare (text: string): number | undefined {
  const share = /^\d{1,3}(\.\d{1,6})?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Infinity
  return share <= 1 ? share : undefined
}
