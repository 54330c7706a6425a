import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { type Day, dateStartUs, dayUs } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import type { GapFilter, Page } from "../../domain/queries.ts";
import { messageOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { openSqlite } from "../file/sqlite.ts";

/** Queries gaps of all streams by time. */
export type GapPages = {
  /** At most `limit` gaps, newest first; `after` is the `next` of the previous page. An invalid `after` starts from the newest gap. */
  page(filter: GapFilter, limit: number, after: string | null): Page<Gap>;
  /** Every gap that touches [fromUs, toUs), by start. */
  between(fromUs: number, toUs: number): readonly Gap[];
  /** The same gaps by end, read a few hundred at a time. A gap that changes meanwhile may come twice. */
  pieces(fromUs: number, toUs: number): Iterable<readonly Gap[]>;
  /** Number of gaps that begin in [fromUs, toUs). */
  count(fromUs: number, toUs: number): number;
};

const columns = "stream, symbol, from_us, to_us, cause, missing, repaired";
const pieceSize = 500;

type Bindings = Record<string, string | number | null>;

/** Creates the queries; needs the table `gap` and adds two indexes to it. */
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
  // The index by end contains the whole primary key as well, because the table has no row ids.
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
        stream,
        symbol,
        cause,
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
        const gaps = piece.all(last.to_us, last.stream, last.symbol, last.from_us, toUs);
        if (gaps.length > 0) yield gaps;
        if (gaps.length < pieceSize) return;
        last = gaps.at(-1) ?? last;
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

/** Creates a query for the gaps of a day, clipped to it, in order. It reads the database at each call. */
export function createGapQuery(database: Database): (day: Day) => readonly Gap[] {
  const select = database.query<Gap, [string, string, number, number]>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired from gap where stream = ? and symbol = ? and to_us > ? and from_us < ? order by from_us",
  );
  return (day) => {
    const fromUs = dateStartUs(day.date);
    return select
      .all(day.stream, day.symbol, fromUs, fromUs + dayUs)
      .map((gap) => clipGap(gap, fromUs, fromUs + dayUs))
      .filter((gap) => gap !== null);
  };
}

/** Reads the gaps of a data folder; a recorder may write at the same time. */
export type GapReader = {
  /** Gaps of a day, clipped to it, in order. @throws SQLite's error */
  gapsOf(day: Day): readonly Gap[];
  close(): void;
};

/** Opens the catalogue for reading only; null if the folder has no catalogue. @throws an error with the path if SQLite cannot read it */
export function openGapReader(dataDir: string): GapReader | null {
  const path = join(dataDir, "rt-data.sqlite");
  if (!existsSync(path)) return null;
  try {
    const database = openSqlite(path, { readonly: true, strict: true });
    database.run("pragma busy_timeout = 500");
    return { gapsOf: createGapQuery(database), close: () => database.close() };
  } catch (error) {
    throw new Error(`read the catalogue ${path}: ${messageOf(error)}`, { cause: error });
  }
}
