import { DuckDBInstance } from "@duckdb/node-api";

/** Rows of a query in a DuckDB of its own, each value as JSON can hold it (64-bit integers and decimals as text). */
export async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Counts the statements that DuckDB's parser finds, without running them; rejects for invalid SQL. */
export async function statementsOf(sql: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.extractStatements(sql)).count;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
