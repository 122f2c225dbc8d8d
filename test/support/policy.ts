import { readFileSync } from 'node:fs'

/** A policy of AWS IAM, as far as the tests use it. */
export interface Policy {
  readonly Version: string
  readonly Statement: readonly Statement[]
}

interface Statement {
  readonly Effect: 'Allow'
  readonly Action: string | readonly string[]
  readonly Resource: string
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': string } }
}

/** The policy in docs/operations.md, for another bucket. Statements about objects with the prefix `without` are left out. */
export function documentedPolicy (bucket: string, { without }: { readonly without?: string } = {}): Policy {
  const [, json] = /```json\n(\{\n {2}"Version"[\s\S]+?)\n```/.exec(readFileSync('docs/operations.md', 'utf8'))!
  const policy = JSON.parse(json!.replaceAll(':::datalake', `:::${bucket}`)) as Policy
  return { ...policy, Statement: policy.Statement.filter(({ Resource }) => without === undefined || !Resource.startsWith(`arn:aws:s3:::${bucket}/${without}`)) }
}

/** Whether the policy allows an action on a bucket or on an object in it. `prefix` is that of a listing. */
export function isAllowed ({ Statement }: Policy, action: string, resource: string, prefix?: string): boolean {
  return Statement.some(({ Action, Resource, Condition }) =>
    [Action].flat().includes(action) &&
    matches(Resource, `arn:aws:s3:::${resource}`) &&
    (Condition === undefined || (prefix !== undefined && matches(Condition.StringLike['s3:prefix'], prefix))))
}

/** Whether a text matches a pattern, which may end with `*`. */
function matches (pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}
