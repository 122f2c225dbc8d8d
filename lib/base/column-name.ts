/** Whether queries can name a column: a comma ends a name in a list of columns, and an operator ends it in a condition. */
export function isQueryable (name: string): boolean {
  return !/[,=!<>~^]/.test(name)
}
