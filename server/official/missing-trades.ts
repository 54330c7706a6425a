import type { IdRange } from "../domain/ids/id-ranges.ts";
import { type OfficialKind, type OfficialTrade, parseRow } from "./official-file.ts";
import { zippedLines } from "./zip-entry.ts";

/** Receives trades in order of their ids. `isFirst`: the first page of a range that ends at `toId`. */
export type OnMissing = (
  trades: readonly OfficialTrade[],
  page: { readonly isFirst: boolean; readonly toId: number },
) => Promise<void>;

/** Most trades of a page. */
const pageSize = 1000;

/** Reads the trades of these ranges from a file, page by page; a page holds trades of one range. */
export async function passMissing(
  kind: OfficialKind,
  path: string,
  ranges: readonly IdRange[],
  { onMissing, signal }: { readonly onMissing: OnMissing; readonly signal: AbortSignal },
): Promise<void> {
  let [at, isFirst]: [number, boolean] = [0, true];
  let page: OfficialTrade[] = [];

  async function flush(): Promise<void> {
    const range = ranges[at];
    if (page.length > 0 && range !== undefined) await onMissing(page, { isFirst, toId: range.last });
    page = [];
    isFirst = false;
  }

  for await (const lines of zippedLines(path)) {
    signal.throwIfAborted();
    for (const line of lines) {
      const trade = parseRow(kind, line);
      if (trade === null) continue;
      while ((ranges[at]?.last ?? Number.POSITIVE_INFINITY) < trade.id) {
        await flush();
        at++;
        isFirst = true;
      }
      if (trade.id < (ranges[at]?.first ?? Number.POSITIVE_INFINITY)) continue;
      if (trade.id === page.at(-1)?.id) continue;
      page.push(trade);
      if (page.length === pageSize) await flush();
    }
  }
  await flush();
}
