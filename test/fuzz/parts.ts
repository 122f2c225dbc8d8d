import { oddHeaders } from './headers.js'
import { infoFiles } from './info-files.js'
import { listings } from './listings.js'
import { notifications } from './notifications.js'
import type { Part } from './part.js'
import { requests } from './requests.js'
import { schemas } from './schemas.js'

export const PARTS: readonly Part[] = [infoFiles, schemas, requests, oddHeaders, notifications, listings]
