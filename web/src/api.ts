import { treaty } from "@elysiajs/eden/treaty2";
import type { BookAnswer } from "../../server/http/api.ts";
import type { App } from "../../server/http/server.ts";
import { address } from "./route.ts";

/** What asking for a book came to. */
export type BookResult =
  | { readonly kind: "book"; readonly answer: BookAnswer }
  | { readonly kind: "unknown_symbol" | "no_data_yet" | "failed" };

const client = treaty<App>(address("").replace(/\/$/, ""));

/** The newest book of a symbol; never rejects, and gives up after four seconds. */
export async function readBook(symbol: string): Promise<BookResult> {
  const fetch = { signal: AbortSignal.timeout(4000) };
  const { data, status } = await client.state({ symbol: encodeURIComponent(symbol) }).get({ fetch });
  if (data !== null) return { kind: "book", answer: data };
  if (status === 404) return { kind: "unknown_symbol" };
  return { kind: status === 503 ? "no_data_yet" : "failed" };
}
