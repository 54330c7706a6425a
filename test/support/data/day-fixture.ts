import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { type Archiver, type ArchiverDeps, createArchiver } from "../../../server/archive/archiver.ts";
import { mergeDay } from "../../../server/archive/merge/merge-day.ts";
import { sealSegment } from "../../../server/archive/seal/seal-segment.ts";
import {
  archivePath,
  type Day,
  dateStartUs,
  liveFolder,
  type Segment,
  segmentPath,
} from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import type { Failure } from "../../../server/platform/errors.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { segmentFiles } from "../../../server/storage/list/listing.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { loadZstd } from "../../../server/storage/zstd/zstd-wasm.ts";
import { startDayWorker, startSealWorker } from "../../../server/workers.ts";

export const day: Day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21" };
export const today = "2026-11-22";
export const dayUs = dateStartUs(day.date);

export function temporaryData(): { dataDir: string; remove: () => void } {
  const dataDir = mkdtempSync(join(tmpdir(), "rt-data-archive-"));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

/** A depth20 line whose id is its second of the day: enough to see that each is there exactly once. */
export function line(second: number, id = second): string {
  const levels = (price: number) =>
    Array.from({ length: 20 }, (_, n) => `["${price + n}.12000000","0.${id % 997}4500000"]`).join(",");
  const payload = `{"lastUpdateId":${id},"bids":[${levels(86000)}],"asks":[${levels(86100)}]}`;
  return encodeLine(payload, dayUs + second * 1e6, second % 7 === 0 ? null : 100 + (second % 5));
}

export function lines(from: number, to: number): string {
  let text = "";
  for (let second = from; second < to; second++) text += line(second);
  return text;
}

export function segmentOf(name: string, of: Day = day): Segment {
  return { ...of, name };
}

export function writeRaw(dataDir: string, segment: Segment, text: string | Uint8Array): string {
  mkdirSync(liveFolder(dataDir, segment), { recursive: true });
  const path = segmentPath(dataDir, segment, "open");
  writeFileSync(path, text);
  return path;
}

export type Fixture = Archiver & { failures: Failure[]; archived: Manifest[]; sealed: Segment[] };

/** Writes closed raw segments of 15 minutes each, one line a second, and returns them. */
export function writeDay(dataDir: string, of: { from?: number; segments?: number; day?: Day } = {}): Segment[] {
  const { from = 0, segments = 3 } = of;
  return Array.from({ length: segments }, (_, n) => {
    const start = from + n * 900;
    const name = new Date(start * 1000).toISOString().slice(11, 16).replace(":", "-");
    const segment = segmentOf(name, of.day);
    writeRaw(dataDir, segment, lines(start, start + 900));
    return segment;
  });
}

/** Creates the real archiver with the real workers. */
export function realArchiver(
  dataDir: string,
  deps: Partial<ArchiverDeps> & { gaps?: Gap[]; level?: number; retryMs?: number } = {},
): Fixture {
  const failures: Failure[] = [];
  const archived: Manifest[] = [];
  const sealed: Segment[] = [];
  const archiver = createArchiver(
    { dataDir, level: deps.level ?? 3, segmentLevel: 3, retryMs: deps.retryMs },
    {
      startSealWorker,
      startDayWorker,
      gapsOf: () => deps.gaps ?? [],
      recorder: made.recorder,
      onSealed: (segment, rows) => void (rows !== null && sealed.push(segment)),
      onArchived: (manifest) => archived.push(manifest),
      onFailure: (failure) => failures.push(failure),
      log: silentLog,
      ...deps,
    },
  );
  return Object.assign(archiver, { failures, archived, sealed });
}

const made = { recorder: { version: "0.0.0", host: "test" }, level: 3, clockOffsetMs: null };
let loading: ReturnType<typeof loadZstd> | null = null;

/** Seals segments in this thread, with the code of the seal worker. For set-ups: a worker costs more CPU than its work. */
export async function sealHere(dataDir: string, segments: readonly Segment[]): Promise<void> {
  loading ??= loadZstd();
  const compress = await loading;
  for (const segment of segments) sealSegment({ dataDir, segment, level: made.level }, compress);
}

/**
 * Seals these segments and merges their days, those before `before` if it is given, in this thread with the code of the workers. For
 * set-ups.
 * @throws if anything fails or is moved to quarantine
 */
export async function archiveHere(
  dataDir: string,
  segments: readonly Segment[],
  {
    before = "9999-12-31",
    gapsOf = (): readonly Gap[] => [],
  }: { before?: string; gapsOf?: (of: Day) => readonly Gap[] } = {},
): Promise<void> {
  await sealHere(dataDir, segments);
  const days = new Map(segments.map((segment) => [liveFolder(dataDir, segment), segment]));
  for (const { stream, symbol, date } of days.values()) {
    if (date >= before) continue;
    const of = { stream, symbol, date };
    const gaps = gapsOf(of).map(({ stream: _stream, symbol: _symbol, ...gap }) => gap);
    const { quarantined } = mergeDay({ dataDir, day: of, inputs: segmentFiles(dataDir, of), gaps, ...made });
    if (quarantined.length > 0) throw new Error(JSON.stringify(quarantined));
  }
}

/** Seals the segments, merges the days before today, waits for the end and stops. */
export async function sealAndMerge(dataDir: string, segments: readonly Segment[]): Promise<Fixture> {
  const archiver = realArchiver(dataDir);
  for (const segment of segments) archiver.seal(segment);
  await archiver.mergeDaysBefore(today);
  await drained(archiver);
  await archiver.stop(0);
  return archiver;
}

export async function drained(archiver: Archiver): Promise<void> {
  const started = performance.now();
  for (;;) {
    const { segments_waiting, days_waiting } = archiver.status();
    if (segments_waiting === 0 && days_waiting === 0) return;
    if (performance.now() - started > 50_000) throw new Error(`still waiting: ${JSON.stringify(archiver.status())}`);
    await Bun.sleep(5);
  }
}

/** Ids of the archived rows, in order. */
export function archivedIds(dataDir: string, of: Day = day): number[] {
  const text = zstdDecompressSync(readFileSync(archivePath(dataDir, of))).toString();
  return [...text.matchAll(/"lastUpdateId":(\d+)/g)].map((match) => Number(match[1]));
}

export function seconds(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}

/** Every file below a folder, relative to it, sorted. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
