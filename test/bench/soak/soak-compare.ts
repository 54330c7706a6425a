import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { dateOf, dayOfPath } from "../../../server/domain/day.ts";
import { recordId } from "../../../server/domain/line.ts";
import { dataFiles, readLines } from "../../support/data/read-data.ts";

/** What of all that happened was recorded. Records of one id of one stream are the same record. */
export type Comparison = {
  readonly happened: number;
  readonly recorded: number;
  /** Neither recorded nor in a gap that was written down. */
  readonly lost: number;
  readonly inGaps: number;
  readonly doubled: number;
  readonly strange: number;
};

/** `happened` holds the ids of each `symbol/stream folder`. One stream at a time is in memory. Events before the first record do not count. */
export function compareWithHappened(dataDir: string, happened: ReadonlyMap<string, readonly number[]>): Comparison {
  const files = Map.groupBy(dataFiles(dataDir), (file) => {
    const day = dayOfPath(file);
    return `${day?.symbol}/${day?.stream}`;
  });
  const catalogue = openCatalogue(dataDir);
  const found = { happened: 0, recorded: 0, lost: 0, inGaps: 0, doubled: 0, strange: 0 };
  for (const [key, ids] of happened) {
    const [symbol = "", stream = ""] = key.split("/");
    const kind = stream === "aggTrade" ? "aggTrade" : "partialDepth";
    const receipts = new Map<number, number>();
    for (const file of files.get(key) ?? []) {
      for (const { payload, recvUs } of readLines(dataDir, file)) {
        const id = recordId(payload, kind) ?? Number.NaN;
        if (receipts.has(id)) found.doubled++;
        receipts.set(id, recvUs);
      }
    }
    const dates = new Set([...receipts.values()].map(dateOf));
    const gaps = [...dates].flatMap((date) => catalogue.gapsOf({ stream, symbol, date }));
    const first = ids.findIndex((id) => receipts.has(id));
    const recordable = first < 0 ? [] : ids.slice(first);
    found.happened += recordable.length;
    found.recorded += receipts.size;
    found.strange += receipts.size - recordable.filter((id) => receipts.has(id)).length;
    let afterUs = 0;
    for (const [at, id] of recordable.entries()) {
      const us = receipts.get(id);
      if (us !== undefined) {
        afterUs = us;
        continue;
      }
      const next = recordable.slice(at, at + 100_000).find((other) => receipts.has(other));
      const beforeUs = next === undefined ? Number.POSITIVE_INFINITY : (receipts.get(next) ?? 0);
      if (gaps.some((gap) => gap.from_us <= beforeUs && gap.to_us >= afterUs)) found.inGaps++;
      else found.lost++;
    }
  }
  catalogue.close();
  return found;
}
