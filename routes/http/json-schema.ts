import { Type, type TSchema } from 'typebox'

// Short forms of JSON schemas with a description. Numbers have a `format`, as client generators need it.

export const text = (description: string, rules: object = {}) => Type.String({ description, ...rules })
export const nullable = <T extends TSchema>(description: string, type: T) => Type.Union([type, Type.Null()], { description })
export const integer = (description: string, rules: object = {}) => Type.Integer({ format: 'int32', description, ...rules })
export const count = (description: string) => integer(description, { minimum: 0 })
export const number = (rules: object = {}) => Type.Number({ format: 'double', ...rules })
export const time = (description: string) => text(description, { format: 'date-time' })
export const anyOf = (values: readonly string[]) => `One of ${values.map((value) => `\`${value}\``).join(', ')}; more may be added`
