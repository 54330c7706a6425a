import { dateStartUs, dayUs } from "../../domain/day.ts";
import type { Incident, Incidents } from "../../domain/incidents/incident.ts";
import type { ArchiveSummary, GapFilter, History, Page } from "../../domain/queries.ts";
import type { Status } from "../../domain/status.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { DigestFacts } from "../../telegram/text/digest-message.ts";

/** The sources of a day's facts. */
export type DigestSources = {
  readonly history: Pick<History, "archives" | "coverage" | "gaps">;
  readonly incidents: Pick<Incidents, "page" | "open">;
  readonly status: () => Status;
};

/** Items per page, few enough not to block the main thread, and the limit of pages. */
const pageSize = 100;
const mostPages = 1000;

/** Collects the facts of a past day. Null while its archives are still being made, unless `isLast`. */
export async function digestFacts(date: string, isLast: boolean, sources: DigestSources): Promise<DigestFacts | null> {
  const { history, status } = sources;
  const { archive, disk } = status();
  const archives = await allPages<ArchiveSummary>((after) =>
    history.archives({ stream: null, symbol: null, date }, pageSize, after),
  );
  if (!isLast && (archives.length === 0 || archive.days_waiting > 0)) return null;
  const covered = await history.coverage({ stream: null, from: date, to: date });
  const rows = covered.rows.flatMap(({ symbol, coverage: [share] }) =>
    share == null ? [] : [{ symbol, coverage: share }],
  );
  const incomplete = rows.filter(({ coverage }) => coverage < 1).sort((a, b) => a.coverage - b.coverage);
  const sum = (figureOf: (archive: ArchiveSummary) => number) =>
    archives.reduce((total, summary) => total + figureOf(summary), 0);
  return {
    date,
    symbols: rows.length,
    coverage: rows.length === 0 ? null : rows.reduce((total, { coverage }) => total + coverage, 0) / rows.length,
    incomplete,
    records: sum(({ rows: count }) => count),
    gaps: await gapsOf(date, history),
    incidents: await incidentsOf(date, sources.incidents),
    open: sources.incidents.open().filter(({ severity }) => severity !== "info"),
    archives: {
      count: archives.length,
      rawBytes: sum(({ raw_bytes }) => raw_bytes),
      compressedBytes: sum(({ compressed_bytes }) => compressed_bytes),
    },
    disk: disk === null ? null : { freeBytes: disk.free_bytes, fullInS: disk.full_in_s },
  };
}

async function gapsOf(date: string, history: DigestSources["history"]): Promise<DigestFacts["gaps"]> {
  const fromUs = dateStartUs(date);
  const filter: GapFilter = { stream: null, symbol: null, cause: null, fromUs, toUs: fromUs + dayUs };
  // While the exchange has halted trading, no records are missing.
  const gaps = (await allPages((after) => history.gaps(filter, pageSize, after))).filter(
    ({ cause }) => cause !== "halted",
  );
  return {
    count: gaps.length,
    longestUs: gaps.reduce((longest, { from_us, to_us }) => Math.max(longest, to_us - from_us), 0),
    missing: gaps.reduce((total, { missing }) => total + (missing ?? 0), 0),
    repaired: gaps.reduce((total, { repaired }) => total + repaired, 0),
  };
}

/** Returns the day's incidents that needed attention and are over, oldest first. */
async function incidentsOf(date: string, incidents: Pick<Incidents, "page">): Promise<readonly Incident[]> {
  const fromUs = dateStartUs(date);
  const newestFirst = await allPages((after) => incidents.page(pageSize, after));
  return newestFirst
    .filter(({ severity }) => severity !== "info")
    .filter(({ from_us, to_us }) => from_us < fromUs + dayUs && to_us !== null && to_us >= fromUs)
    .reverse();
}

/** Reads all pages of a list, a page per turn of the event loop. */
async function allPages<T>(page: (after: string | null) => Page<T>): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  for (let n = 0; n < mostPages; n++) {
    const { items: pageItems, next }: Page<T> = page(after);
    items.push(...pageItems);
    if (next === null) break;
    after = next;
    await nextTurn();
  }
  return items;
}
