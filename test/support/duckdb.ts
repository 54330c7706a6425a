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
