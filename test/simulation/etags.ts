import { PREFIX } from './ids.js'
import type { Random } from './random.js'

const LISTED = 'listed-'

/** Which objects have another ETag in listings than in responses to GET, and whether HEAD returns the ETag of listings. */
export interface OtherEtags { readonly of: 'info files' | 'images' | 'all', readonly head: boolean }

/** Draws how the ETags of a store differ; `undefined` if they do not, as in most stores. */
export function drawOtherEtags (random: Random): OtherEtags | undefined {
  return random.chance(0.1) ? { of: random.pick(['info files', 'images', 'all']), head: random.chance(0.5) } : undefined
}

/** The ETag of an object in listings. @param etag its ETag in the bucket */
export function listedEtag (key: string, etag: string, others: OtherEtags | undefined): string {
  const isOther = others !== undefined && key.startsWith(PREFIX) && (others.of === 'all' || (others.of === 'info files') === key.endsWith('.csv'))
  return isOther ? LISTED + etag : etag
}

/** The ETag of an object in the bucket. @param etag its ETag in a listing or a response */
export function bucketEtag (etag: string): string {
  return etag.startsWith(LISTED) ? etag.slice(LISTED.length) : etag
}
