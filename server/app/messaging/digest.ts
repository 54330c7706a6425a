import { dateStartUs, dayUs } from "../../domain/day.ts";
import type { Incident, Incidents } from "../../domain/incidents/incident.ts";
import type { ArchiveSummary, GapFilter, History, Page } from "../../domain/queries.ts";
import type { Status } from "../../domain/status.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { DigestFacts } from "../../telegram/text/digest-message.ts";

/** Where the facts of a day come from. */
export type DigestSources = {
  readonly history: Pick<History, "archives" | "coverage" | "gaps">;
  readonly incidents: Pick<Incidents, "page">;
  readonly status: () => Status;
};

/** So much is read at a time, so that nothing waits for it, and so much in all. */
const pageSize = 100;
const mostPages = 1000;

/** What is known of a day that is over; null while its archives are still being made, unless `isLast`. */
export async function digestFacts(date: string, isLast: boolean, sources: DigestSources): Promise<DigestFacts | null> {
  const { history, status } = sources;
  const { archive, disk } = status();
  const archives = await all<ArchiveSummary>((after) =>
    history.archives({ stream: null, symbol: null, date }, pageSize, after),
  );
  if (!isLast && (archives.length === 0 || archive.days_waiting > 0)) return null;
  const covered = await history.coverage({ stream: null, from: date, to: date });
  const rows = covered.rows.flatMap(({ symbol, coverage: [share] }) =>
    share == null ? [] : [{ symbol, coverage: share }],
  );
  const incomplete = rows.filter(({ coverage }) => coverage < 1).sort((a, b) => a.coverage - b.coverage);
  const sum = (of: (archive: ArchiveSummary) => number) => archives.reduce((total, one) => total + of(one), 0);
  return {
    date,
    symbols: rows.length,
    coverage: rows.length === 0 ? null : rows.reduce((total, { coverage }) => total + coverage, 0) / rows.length,
    incomplete,
    records: sum(({ rows: count }) => count),
    gaps: await gapsOf(date, history),
    incidents: await incidentsOf(date, sources.incidents),
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
  // What the exchange itself paused is nothing that is missing.
  const gaps = (await all((after) => history.gaps(filter, pageSize, after))).filter(({ cause }) => cause !== "halted");
  return {
    count: gaps.length,
    longestUs: gaps.reduce((longest, { from_us, to_us }) => Math.max(longest, to_us - from_us), 0),
    missing: gaps.reduce((total, { missing }) => total + (missing ?? 0), 0),
    repaired: gaps.reduce((total, { repaired }) => total + repaired, 0),
  };
}

/** Those that somebody should have looked at, oldest first. */
async function incidentsOf(date: string, incidents: DigestSources["incidents"]): Promise<readonly Incident[]> {
  const fromUs = dateStartUs(date);
  const found = await all((after) => incidents.page(pageSize, after));
  return found
    .filter(({ severity }) => severity !== "info")
    .filter(({ from_us, to_us }) => from_us < fromUs + dayUs && (to_us === null || to_us >= fromUs))
    .reverse();
}

/** Every page of a list, one in each turn of the event loop. */
async function all<T>(page: (after: string | null) => Page<T>): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  for (let n = 0; n < mostPages; n++) {
    const { items: found, next }: Page<T> = page(after);
    items.push(...found);
    if (next === null) break;
    after = next;
    await nextTurn();
  }
  return items;
}
