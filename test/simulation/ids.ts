/** The ids of the records that a bucket of the simulation can have, besides those of a large lake. */
export const IDS = ['a', 'b', 'c', 'd.e', 'f', 'g', 'ü'] as const

export const PREFIX = 'source_data/'
export const infoKey = (id: string): string => `${PREFIX}${id}.csv`
export const imageKey = (id: string): string => `${PREFIX}${id}.png`
