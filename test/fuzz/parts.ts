import { infoFiles } from './info-files.js'
import type { Part } from './part.js'

export const PARTS: readonly Part[] = [infoFiles]
