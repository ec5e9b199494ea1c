/** What the repositories and stores ask of a database: see pool.ts and embedded.ts. */
export interface Database {
  /**
   * Runs one statement. `Row` is what the statement says that its rows are; passport-control looks at every record before
   * it believes it.
   */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Result<Row>>;
  /** Runs statements without parameters, as one transaction. */
  script(text: string): Promise<void>;
  close(): Promise<void>;
}

/** What a statement answers: the rows that it returns, and how many it returned or changed. */
export interface Result<Row> {
  rows: Row[];
  rowCount: number;
}

/** The first row, or `null` where there is none. */
export function first<Row>({ rows }: Result<Row>): Row | null {
  return rows[0] ?? null;
}

/** Whether a statement failed because somebody else has what it wanted. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
