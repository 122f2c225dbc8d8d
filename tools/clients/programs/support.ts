declare const process: { readonly argv: readonly string[] }

/** The service that a program is run against. */
export const serviceUrl = process.argv[2] ?? ''

/** The filters that each client program sends. Each of them changes the result. */
export const filters = { where: ['last_name~o'], min_age: 51.1, as_of: '2026-01-01T00:00:00Z', image_exists: true }
/** The ids of the records that match, in descending order of their last names. */
export const matching = ['1077', '1026', '1003', '1045', '1048', '1035', 'wren.ashgrove', '1084']
/** Their statistics with exact ages and bins of 20 years: the number of records, the average age, and the number of records of each bin. */
export const figures = [9, 68.06787588409765, [3, 4, 2]]

/** The record 1003. */
export const record = { user_id: '1003', first_name: 'Róisín', last_name: "O'Dunmore", birthts: -843706800000, img_path: 'source_data/1003.png' }
/** The records 1007 and 1082 as CSV with the column `user_id` only. */
export const csv = 'user_id\r\n1007\r\n1082\r\n'

export function equal (actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`got ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}

/** The size of an image, and the name of its format, which a PNG has after its first byte. */
export async function describeImage (image: Blob): Promise<[number, string]> {
  return [image.size, await image.slice(1, 4).text()]
}

/** What `describeImage` returns for the image of the record 1001. */
export const png = [1180, 'PNG']

/** Requests a job until it has ended. */
export async function follow<Job extends { finished_at: string | null }> (getJob: () => Promise<Job | undefined>): Promise<Job> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const job = await getJob()
    if (job === undefined) throw new Error('the job does not exist')
    if (job.finished_at !== null) return job
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the job has not ended')
}
