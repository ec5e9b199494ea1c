/** A row that was read, with some of its fields as they should not be. */
export function changed<Row extends object>(row: Row | null, change: Partial<Row>): Row | null {
  return row === null ? null : { ...row, ...change };
}

/** Whether a text is like a pattern, as SQL compares without regard to case. */
export function isLike(text: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i').test(text);
}
