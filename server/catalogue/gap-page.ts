import type { Database } from "bun:sqlite";
import type { Gap } from "../gap.ts";
import type { GapFilter, Page } from "../history.ts";

/** Gaps of all streams, asked for by time. */
export type GapPages = {
  /** At most `limit` gaps, newest first; `after` is the `next` of the page before. A strange `after` begins anew. */
  page(filter: GapFilter, limit: number, after: string | null): Page<Gap>;
  /** Every gap that touches [fromUs, toUs), by beginning. */
  between(fromUs: number, toUs: number): readonly Gap[];
  /**
   * The same by end, a few hundred at a time, each of which is read when it is asked for. One that changes meanwhile may come twice.
   */
  pieces(fromUs: number, toUs: number): Iterable<readonly Gap[]>;
  /** Number of gaps that begin in [fromUs, toUs). */
  count(fromUs: number, toUs: number): number;
};

const columns = "stream, symbol, from_us, to_us, cause, missing, repaired";
const pieceSize = 500;

type Bindings = Record<string, string | number | null>;

/** The questions about gaps; needs the table `gap`, to which it adds two indexes. */
export function createGapPages(database: Database): GapPages {
  database.run("create index if not exists gap_by_start on gap (from_us)");
  database.run("create index if not exists gap_by_end on gap (to_us)");
  const select = database.query<Gap, [Bindings]>(`
    select ${columns} from gap
    where ($stream is null or stream = $stream) and ($symbol is null or symbol = $symbol)
      and ($cause is null or cause = $cause) and to_us > $from and from_us < $to
      and (from_us < $at or (from_us = $at and (stream, symbol) > ($afterStream, $afterSymbol)))
    order by from_us desc, stream, symbol limit $limit`);
  const touching = database.query<Gap, [number, number]>(
    `select ${columns} from gap where to_us > ? and from_us < ? order by from_us`,
  );
  // The index of ends holds the rest of the key as well, since the table has no row ids.
  const piece = database.query<Gap, [number, string, string, number, number]>(`
    select ${columns} from gap
    where (to_us, stream, symbol, from_us) > (?, ?, ?, ?) and from_us < ?
    order by to_us, stream, symbol, from_us limit ${pieceSize}`);
  const counted = database.query<{ n: number }, [number, number]>(
    "select count(*) as n from gap where from_us >= ? and from_us < ?",
  );
  return {
    page({ stream, symbol, cause, fromUs, toUs }, limit, after) {
      const cursor = readCursor(after);
      const items = select.all({
        ...{ stream, symbol, cause },
        from: fromUs ?? 0,
        to: toUs ?? Number.MAX_SAFE_INTEGER,
        at: cursor?.fromUs ?? Number.MAX_SAFE_INTEGER,
        afterStream: cursor?.stream ?? "",
        afterSymbol: cursor?.symbol ?? "",
        limit: limit + 1,
      });
      const last = items.length > limit ? items[limit - 1] : undefined;
      const next = last === undefined ? null : `${last.from_us}/${last.stream}/${last.symbol}`;
      return { items: items.slice(0, limit), next };
    },
    *pieces(fromUs, toUs) {
      let last = { to_us: fromUs + 1, stream: "", symbol: "", from_us: 0 };
      for (;;) {
        const found = piece.all(last.to_us, last.stream, last.symbol, last.from_us, toUs);
        if (found.length > 0) yield found;
        if (found.length < pieceSize) return;
        last = found.at(-1) ?? last;
      }
    },
    between: (fromUs, toUs) => touching.all(fromUs, toUs),
    count: (fromUs, toUs) => counted.get(fromUs, toUs)?.n ?? 0,
  };
}

function readCursor(text: string | null): { fromUs: number; stream: string; symbol: string } | null {
  const match = /^(\d{1,16})\/([^/]*)\/([^/]*)$/.exec(text ?? "");
  return match === null ? null : { fromUs: Number(match[1]), stream: match[2] ?? "", symbol: match[3] ?? "" };
}
