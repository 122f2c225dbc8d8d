import { compileSchema } from '../../lib/schema/schema.js'
import { USERS_SCHEMA } from '../../lib/schema/users-schema.js'
import { tableFields } from '../../lib/table/table-field.js'

/** The declared columns of the lake of users. This module and those that it imports do not load the test runner, so that programs can use it. */
export const USER_FIELDS = tableFields(compileSchema(USERS_SCHEMA))
