import { oddHeaders } from './headers.js'
import { infoFiles } from './info-files.js'
import { listings } from './listings.js'
import { notifications } from './notifications.js'
import type { Target } from './target.js'
import { requests } from './requests.js'
import { schemas } from './schemas.js'

export const TARGETS: readonly Target[] = [infoFiles, schemas, requests, oddHeaders, notifications, listings]
