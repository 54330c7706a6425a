import type { Delivery } from "../exchange/exchange.ts";
import { type MarketEvent, restTrade } from "../exchange/market.ts";
import type { Plan } from "../plan.ts";
import { dataDir, pastRows, type World } from "../world.ts";
import {
  readJournalGaps,
  readManifestGaps,
  readRecords,
  type Stored,
  type StoredFile,
  type StoredGap,
} from "./reader.ts";

/** A promise that was broken: its number in the table of README.md, and how. */
export type Violation = { readonly promise: string; readonly detail: string };

/** What the files say of each stream. */
export type Findings = {
  readonly violations: readonly Violation[];
  /** Events that are in no file, by stream folder and symbol. */
  readonly absent: ReadonlyMap<string, readonly MarketEvent[]>;
  readonly gaps: readonly StoredGap[];
};

/** Upper bound for the excess width of a gap, and slack for messages in flight, µs. */
const tooWideUs = 1_000_000;
const underWayUs = 400_000;

/** Judges a run from the files alone, against what the exchange knows. */
export function judge(world: World, plan: Plan): Findings {
  const violations: Violation[] = [];
  const say = (promise: string, detail: string) => {
    if (violations.length < 40) violations.push({ promise, detail });
  };
  const files = [...readRecords(world.tree, `${dataDir}/archive`), ...readRecords(world.tree, `${dataDir}/live`)];
  const gaps = world.gapsAtEnd(allGaps(world));
  const isSteady = world.steps.every(({ offsetMs }) => offsetMs === 0);
  for (const { path, problem } of files) if (problem !== null) say("readable", `${path}: ${problem}`);
  for (const file of files) checkOrder(file, say);
  const delivered = new Map<MarketEvent, Delivery>();
  // A message over several connections counts at its first arrival.
  for (const delivery of world.exchange.deliveries)
    if (!delivered.has(delivery.event)) delivered.set(delivery.event, delivery);
  const absent = new Map<string, readonly MarketEvent[]>();
  for (const { stream, events } of world.market.histories.values()) {
    const key = `${stream.type.folder}/${stream.symbol}`;
    const own = files.filter((file) => `${file.stream}/${file.symbol}` === key);
    // A span of cause "clock" says by which clock rows are stamped, not that any is missing.
    const ownGaps = gaps.filter((gap) => `${gap.stream}/${gap.symbol}` === key && gap.cause !== "clock");
    const stored = countStored(own, events, key, say);
    const missing = absentOf(events, stored);
    absent.set(key, missing);
    for (const event of missing) {
      const delivery = delivered.get(event);
      const atUs = localUs(world, event, delivery?.atMs ?? null, slowMs(world, event.atMs));
      if (!ownGaps.some((gap) => gap.from_us <= atUs.toUs && gap.to_us >= atUs.fromUs))
        say("written down", `${key}: id ${event.id} of ${iso(event.atMs)} is in no file and in no gap`);
      else if (delivery !== undefined && !mayBeLost(world, plan, delivery.life, delivery.atMs, stream.symbol))
        say("kept", `${key}: id ${event.id} was delivered at ${iso(delivery.atMs)} and is in no file`);
    }
    if (isSteady) checkWidth(ownGaps, own, key, say);
  }
  for (const { path, row } of pastRows(plan)) {
    const day = path.slice(0, path.lastIndexOf("/"));
    const count = files.filter((file) => file.path.includes(day)).flatMap(({ records }) => records);
    const isThere = count.length === 1 && row.includes(count[0]?.payload.slice(1) ?? "-");
    if (!isThere) say("deleted", `${day}: ${count.length} rows of a day that was not due to be removed`);
  }
  return { violations, absent, gaps };
}

/** By then a segment whose window is over is closed and synced, or sealed, or the system has written it to the platter by itself. */
const slowestSyncMs = 120_000;

type Say = (promise: string, detail: string) => void;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** What journal and manifests say; the catalogue is a by-product. */
function allGaps(world: World): readonly StoredGap[] {
  return [
    ...readJournalGaps(world.tree, `${dataDir}/journal/recorder.journal`),
    ...readManifestGaps(world.tree, `${dataDir}/archive`),
  ];
}

/** Receipt never decreases within a file. */
function checkOrder({ path, records }: StoredFile, say: Say): void {
  let lastUs = 0;
  for (const { recvUs } of records) {
    if (recvUs < lastUs) {
      say("order", `${path}: ${recvUs} after ${lastUs}`);
      return;
    }
    lastUs = recvUs;
  }
}

/** Counts each event in the files; more than once breaks a promise, and so does a record without an event. */
function countStored(files: readonly StoredFile[], events: readonly MarketEvent[], key: string, say: Say) {
  const counts = new Map<string, { count: number; where: string }>();
  for (const { path, records, date } of files) {
    for (const { payload, recvUs } of records) {
      const before = counts.get(payload);
      counts.set(payload, {
        count: (before?.count ?? 0) + 1,
        where: before === undefined ? path : `${before.where}, ${path}`,
      });
      if (iso(recvUs / 1000).slice(0, 10) !== date) say("day", `${path}: a row of ${iso(recvUs / 1000)}`);
    }
  }
  const stored = new Map<MarketEvent, number>();
  let known = 0;
  const isTrade = /^(aggT|t)rade\//.test(key);
  for (const event of events) {
    const live = counts.get(event.payload);
    const refetched = isTrade ? counts.get(restTrade(event)) : undefined;
    const count = (live?.count ?? 0) + (refetched?.count ?? 0);
    if (live !== undefined) known++;
    if (refetched !== undefined) known++;
    if (count > 1)
      say(
        "once",
        `${key}: id ${event.id} of ${iso(event.atMs)} is there ${count} times: ${live?.where} ${refetched?.where}`,
      );
    stored.set(event, count);
  }
  if (known < counts.size) say("once", `${key}: ${counts.size - known} records that the exchange has never sent`);
  return stored;
}

/** Events that are in no file, between the first and the last event in a file. */
function absentOf(events: readonly MarketEvent[], stored: ReadonlyMap<MarketEvent, number>): readonly MarketEvent[] {
  const isThere = (event: MarketEvent) => (stored.get(event) ?? 0) > 0;
  const first = events.findIndex(isThere);
  const last = events.findLastIndex(isThere);
  return events.slice(Math.max(0, first), last + 1).filter((event) => !isThere(event));
}

/** When an event came by the local clock, or would have come. */
function localUs(
  world: World,
  event: MarketEvent,
  deliveredMs: number | null,
  delayMs: number,
): { fromUs: number; toUs: number } {
  const offsets = world.steps.map(({ offsetMs }) => offsetMs);
  const [least, most] = [Math.min(...offsets), Math.max(...offsets)];
  // Receipt is told by a clock that is cut to whole ms.
  const slack = 1000;
  const arrivalMs = arrivalOf(world, event.atMs + underWayUs / 1000 + delayMs);
  const fromUs = ((deliveredMs ?? event.atMs) + least) * 1000 - slack;
  const toUs = (deliveredMs ?? arrivalMs) * 1000 + most * 1000 + slack;
  return { fromUs: Math.floor(fromUs), toUs: Math.ceil(toUs) };
}

/** When something would have been received that came at `ms`: not while the machine slept or the process stood still. */
function arrivalOf(world: World, ms: number): number {
  let arrivalMs = ms;
  for (const { fromMs, toMs } of [...world.sleeps, ...world.stalls])
    if (arrivalMs >= fromMs - 500 && ms <= toMs) arrivalMs = Math.max(arrivalMs, toMs + underWayUs / 1000);
  return arrivalMs;
}

/** How long the network held messages up at a time, ms. */
function slowMs(world: World, atMs: number): number {
  let most = 0;
  for (const { fault, atMs: fromMs } of world.struck)
    if (fault.kind === "slow_network" && atMs >= fromMs && atMs <= fromMs + fault.s * 1000 + fault.ms)
      most = Math.max(most, fault.ms);
  return most;
}

/** A record may be lost though it was delivered: in memory at a kill, not synced at a power loss, refused by the disk, destroyed by others. */
function mayBeLost(world: World, plan: Plan, lifeNumber: number, atMs: number, symbol: string): boolean {
  const life = world.lives[lifeNumber - 1];
  const endedMs = life?.endedMs() ?? null;
  const flushMs = Number(plan.settings["record.flush_ms"] ?? 1000);
  const isDisk = world.struck.some(
    ({ fault, atMs: struckMs }) =>
      /^(disk|sync_fails|no_inodes)/.test(fault.kind) && struckMs < (endedMs ?? Number.POSITIVE_INFINITY),
  );
  if (endedMs !== null && world.killed.has(lifeNumber) && awakeMs(world, atMs, endedMs) <= flushMs + 1500) return true;
  if (isDisk && endedMs !== null) return true;
  if (world.isLeftOut(symbol, atMs)) return true;
  if (world.harmed.some((harm) => atMs <= harm.atMs + 10_000)) return true;
  const unsyncedMs = Number(plan.settings["record.segment_minutes"] ?? 5) * 60_000 + slowestSyncMs;
  return world.powerLosses.some((lossMs) => atMs <= lossMs && awakeMs(world, atMs, lossMs) <= unsyncedMs);
}

/** Time in which the process could run. */
function awakeMs(world: World, fromMs: number, toMs: number): number {
  const away = [...world.sleeps, ...world.stalls].reduce(
    (sum, span) => sum + Math.max(0, Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs)),
    0,
  );
  return toMs - fromMs - away;
}

/** No more than a second's records lie within a gap, those of the second at each end not counted. */
function checkWidth(gaps: readonly StoredGap[], files: readonly StoredFile[], key: string, say: Say): void {
  const live: Stored[] = files.flatMap(({ records }) => records.filter(({ isRefetched }) => !isRefetched));
  live.sort((a, b) => a.recvUs - b.recvUs);
  for (const { from_us, to_us, cause } of gaps) {
    const within = live.filter(({ recvUs }) => recvUs > from_us + tooWideUs && recvUs < to_us - tooWideUs);
    // A run of less than a second in the midst of it makes it no wider than it may be.
    if ((within.at(-1)?.recvUs ?? 0) - (within[0]?.recvUs ?? 0) <= tooWideUs) continue;
    const span = `${iso(from_us / 1000)} to ${iso(to_us / 1000)}`;
    say(
      "gap width",
      `${key}: ${within.length} records lie in a gap (${cause}) of ${span}, one at ${iso((within[0]?.recvUs ?? 0) / 1000)}`,
    );
  }
}
