import { existsSync } from "node:fs";
import { archivePath, type Day, dateOf, dateStartUs, dayUs } from "../../../server/domain/day.ts";
import { archive, keep, keysOf, newDataDir, type TestKeeping } from "./bucket.ts";
import type { S3 } from "./s3.ts";
import { s3Proxy } from "./s3-proxy.ts";
import {
  copyOf,
  dayOf,
  type Happening,
  happenings,
  idsIn,
  kinds,
  linesByDate,
  type Seen,
  storedLines,
  verified,
} from "./two-recorders.ts";

/*
 * The life of a bucket that two recorders share, from a seed: their delays, their cuts, late segments, failing requests, requests at
 * which a recorder is killed (before or after the store has carried it out), keys that are refused for a while, and objects that
 * somebody else replaces, deletes or damages in the bucket, of days that both recorders still have on their disks.
 *
 * What must hold: an archive that leaves a disk is in the bucket at that moment, row by row. And when all is quiet again, every row
 * that any of them has received is in exactly one archive, that of its best line, and `verify` finds no problem.
 */

export type Life = { readonly seed: number; readonly days: number; readonly log?: (text: string) => void };

/** A summary of the events, for people. */
export type Told = {
  readonly kind: string;
  readonly delaysMs: readonly number[];
  readonly conditions: boolean;
  kills: number;
  failures: number;
  refusals: number;
  damages: number;
  removed: number;
  rows: number;
};

type Random = {
  next(): number;
  int(below: number): number;
  chance(share: number): boolean;
  of<T>(list: readonly T[]): T;
};

/** Same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    next,
    int,
    chance: (share) => next() < share,
    of: (list) => list[int(list.length)] as (typeof list)[number],
  };
}

type Recorder = {
  readonly dataDir: string;
  readonly seen: readonly Seen[];
  /** Lines of a day that come as a late segment, and those that have come. */
  readonly late: Map<string, string>;
  readonly merged: Map<string, string>;
  readonly proxy: ReturnType<typeof s3Proxy>;
  readonly faults: {
    killIn: number;
    when: "before" | "after";
    failing: number;
    refused: string | null;
    killed: boolean;
  };
  keeping: TestKeeping | null;
};

/** Runs the life of the bucket; rejects with the broken guarantee. */
export async function liveBucket({ seed, days, log = () => {} }: Life, s3: S3): Promise<Told> {
  const random = randomOf(seed);
  const shape = random.of(kinds);
  const firstUs = dateStartUs("2026-10-01");
  const dates = Array.from({ length: days }, (_, n) => dateOf(firstUs + n * dayUs));
  const events = happenings(dates);
  const conditions = random.chance(0.7);
  const delaysMs = [1 + random.int(random.chance(0.5) ? 50 : 1500), 1 + random.int(random.chance(0.5) ? 50 : 1500)];
  const told: Told = {
    ...{
      kind: shape.folder,
      delaysMs,
      conditions,
      kills: 0,
      failures: 0,
      refusals: 0,
      damages: 0,
      removed: 0,
      rows: 0,
    },
  };
  const prefix = `life-${seed}`;
  const locks = new Map<string, Promise<unknown>>();
  const problems: string[] = [];
  const checks: Promise<void>[] = [];
  let nowDate = dates[0] ?? "";
  const startedMs = performance.now();
  const nowUs = () => dateStartUs(nowDate) + Math.round((performance.now() - startedMs) * 1000);
  const lost = cutsOf(random, dates);
  const recorders = delaysMs.map((delayMs, n) => recorderOf(n, delayMs));

  function recorderOf(n: number, delayMs: number): Recorder {
    const seen: Seen[] = [];
    for (const event of events) {
      const isLost = lost[n]?.some(({ fromUs, toUs }) => event.us >= fromUs && event.us < toUs);
      const isRefetched = isLost && shape.rest !== undefined && random.chance(0.5);
      if (!isLost) seen.push({ event, recvUs: event.us + delayMs * 1000 });
      else if (isRefetched) seen.push({ event, recvUs: Math.floor(event.us / 1000) * 1000, isRefetched: true });
    }
    const faults: Recorder["faults"] = { killIn: 0, when: "before", failing: 0, refused: null, killed: false };
    const proxy = s3Proxy(s3.endpoint, {
      ...{ conditions, locks },
      answer({ url }) {
        if (faults.refused !== null && url.includes(faults.refused)) {
          told.refusals++;
          return new Response("<Error><Code>InvalidObjectState</Code></Error>", { status: 403 });
        }
        if (faults.failing === 0 || !random.chance(faults.failing)) return null;
        told.failures++;
        return new Response("", { status: random.of([500, 502, 503]) });
      },
      async hold(_, when) {
        if (faults.killed) await new Promise(() => {});
        if (faults.killIn === 0 || when !== faults.when || --faults.killIn > 0) return;
        faults.killed = true;
        await new Promise(() => {});
      },
    });
    return { dataDir: newDataDir(), seen, late: new Map(), merged: new Map(), proxy, faults, keeping: null };
  }

  function begin(recorder: Recorder): void {
    recorder.keeping = keep(
      recorder.dataDir,
      { ...s3, endpoint: recorder.proxy.endpoint },
      { "upload.prefix": prefix, "archive.retention_days": 3 },
      {
        nowUs,
        time: () => ({ kind: "confirmed", us: nowUs() }),
        pace: { settleMs: conditions ? 60 : 1500, retryMs: 10, lookMs: 20 },
        onRemoved(day) {
          told.removed++;
          checks.push(checkRemoved(recorder, day));
        },
      },
    );
  }

  async function checkRemoved({ dataDir, seen, late, merged }: Recorder, day: Day): Promise<void> {
    // Late rows were not in it: they are not merged yet, or an archive of their own, made while the first one was going.
    const own = existsSync(archivePath(dataDir, day)) ? merged.get(day.date) : undefined;
    const coming = new Set(idsIn(shape, (late.get(day.date) ?? own)?.trimEnd().split("\n") ?? []));
    const ids = seen
      .filter(({ recvUs }) => dateOf(recvUs) === day.date)
      .map(({ event }) => event.id)
      .filter((id) => !coming.has(id));
    const startUs = dateStartUs(day.date);
    const there = new Set<number>();
    // There and back: rows near midnight may move to the day before or after meanwhile, never out of both.
    for (const days of [-1, 0, 1, 0, -1]) {
      const us = startUs + days * dayUs;
      const lines = await storedLines(s3, `${prefix}/`, dayOf(shape, dateOf(us))).catch(() => []);
      for (const id of idsIn(shape, lines)) there.add(id);
    }
    const missing = ids.filter((id) => !there.has(id));
    if (missing.length > 0) problems.push(`${day.date} went from a disk, and the bucket lacks ${missing.slice(0, 5)}`);
  }

  /** Ends a recorder as a kill does: its request to the store is cut off. */
  async function end(recorder: Recorder): Promise<void> {
    recorder.faults.killed = true;
    await recorder.keeping?.stop();
    recorder.keeping = null;
    Object.assign(recorder.faults, { killIn: 0, failing: 0, refused: null, killed: false });
  }

  async function damage(): Promise<void> {
    const isEverywhere = (date: string) =>
      recorders.every(({ dataDir, seen }) => {
        const has = seen.some(({ recvUs }) => dateOf(recvUs) === date);
        return !has || existsSync(archivePath(dataDir, dayOf(shape, date)));
      });
    const nextTo = (date: string, n: number) => dateOf(dateStartUs(date) + n * dayUs);
    // A recorder may have checked a day in the bucket just before it removes it: changes in between are beyond its control.
    const isAlive = recorders.some(({ keeping }) => keeping !== null);
    const safeFrom = isAlive ? nextTo(nowDate, -1) : "";
    const possible = dates.filter(
      (date) => date >= safeFrom && date < nowDate && [-1, 0, 1].every((n) => isEverywhere(nextTo(date, n))),
    );
    if (possible.length === 0) return;
    const [object = "", manifest = ""] = keysOf(dayOf(shape, random.of(possible)), `${prefix}/`);
    const keys = await s3.keys(`${prefix}/`);
    if (!keys.includes(object)) return;
    told.damages++;
    const bytes = Buffer.from(await s3.client.file(object).bytes());
    const flipped = Buffer.from(bytes);
    const at = random.int(bytes.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.int(8));
    await random.of([
      () => s3.client.write(object, flipped),
      () => s3.client.write(object, Buffer.alloc(bytes.length, random.int(256))),
      () => s3.client.write(object, bytes.subarray(0, random.int(bytes.length))),
      () => s3.client.delete(object),
      () => s3.client.delete(manifest),
      () => s3.client.write(manifest, "{}"),
      () => Promise.all([s3.client.delete(object), s3.client.delete(manifest)]),
    ])();
  }

  /** Merges a day, and holds a part of its rows back for a late segment now and then. */
  async function merge(recorder: Recorder, date: string): Promise<void> {
    const text = linesByDate(
      shape,
      recorder.seen.filter(({ recvUs }) => dateOf(recvUs) === date),
    ).get(date);
    if (text === undefined) return;
    const lines = text.trimEnd().split("\n");
    const [from, count] = [random.int(lines.length), random.chance(0.3) ? 1 + random.int(50) : 0];
    const held = lines.splice(from, Math.min(count, lines.length - 1));
    if (held.length > 0) recorder.late.set(date, `${held.join("\n")}\n`);
    await archive(recorder.dataDir, dayOf(shape, date), `${lines.join("\n")}\n`);
    recorder.keeping?.onArchived(dayOf(shape, date));
  }

  async function mergeLate(recorder: Recorder): Promise<void> {
    for (const [date, text] of recorder.late) {
      const day = dayOf(shape, date);
      // Where the day has gone from the disk already they are an archive of their own.
      await archive(recorder.dataDir, day, text, "23-00");
      recorder.merged.set(date, text);
      recorder.late.delete(date);
      recorder.keeping?.onArchived(day);
    }
  }

  for (const recorder of recorders) begin(recorder);
  for (const date of [...dates, dateOf(firstUs + days * dayUs)]) {
    nowDate = dateOf(dateStartUs(date) + dayUs);
    for (const recorder of recorders) {
      if (random.chance(0.6)) recorder.faults.killIn = 1 + random.int(40);
      recorder.faults.when = random.of(["before", "after"]);
      recorder.faults.failing = random.chance(0.3) ? random.next() * 0.3 : 0;
      recorder.faults.refused = random.chance(0.3) ? random.of(dates) : null;
    }
    await Promise.all(recorders.map((recorder) => merge(recorder, date)));
    await Bun.sleep(random.int(250));
    await Promise.all(recorders.map((recorder) => (random.chance(0.5) ? mergeLate(recorder) : null)));
    const ended = recorders.filter(({ faults }) => faults.killed || random.chance(0.4));
    for (const recorder of ended) {
      told.kills++;
      await end(recorder);
    }
    for (let n = random.int(3); n > 0 && ended.length > 0; n--) await damage();
    for (const recorder of ended) begin(recorder);
    log(`${date} ${JSON.stringify(told)}`);
  }
  for (const recorder of recorders) await end(recorder);
  for (let n = 0; n < 2; n++) await damage();
  for (const recorder of recorders) {
    begin(recorder);
    await mergeLate(recorder);
  }
  await quiet();
  for (const recorder of recorders) {
    for (const date of dates) recorder.keeping?.onArchived(dayOf(shape, date));
  }
  await quiet();
  for (const { keeping, proxy } of recorders) {
    await keeping?.stop();
    await proxy.stop();
  }
  await Promise.all(checks);
  problems.push(...(await wrongIn(events)));
  problems.push(...(await verified(await copyOf(s3, `${prefix}/`))));
  if (problems.length > 0)
    throw new Error(
      `seed ${seed}: ${problems.slice(0, 10).join("; ")} (${JSON.stringify(told)})\n${recorders.map(stateOf).join("\n")}`,
    );
  return told;

  async function quiet(): Promise<void> {
    const isQuiet = () =>
      recorders.every(({ keeping }) => {
        const status = keeping?.status();
        return status && status.archives_waiting + status.archives_unconfirmed === 0;
      });
    // On a starved machine a single upload takes 20 s. It is stuck if no recorder has done anything for a minute.
    const progress = () =>
      recorders
        .map(
          ({ keeping }) => `${keeping?.lines.length} ${keeping?.status()?.bytes_sent} ${keeping?.status()?.failures}`,
        )
        .join();
    let [last, changedMs] = [progress(), performance.now()];
    // Counted by looks, not by the clock: one sleep may take a second.
    for (let looks = 0; looks < 20; await Bun.sleep(20)) {
      looks = isQuiet() ? looks + 1 : 0;
      if (progress() !== last) [last, changedMs] = [progress(), performance.now()];
      if (looks > 0 || performance.now() - changedMs < 60_000) continue;
      const lines = recorders.map(({ keeping }) => keeping?.text().slice(-1500));
      throw new Error(`seed ${seed}: waits for uploads in vain: ${JSON.stringify(told)} ${lines.join("\n")}`);
    }
  }

  /** What a recorder has on its disk and has logged, for the message of a broken guarantee. */
  function stateOf({ dataDir, keeping }: Recorder): string {
    const onDisk = dates.filter((date) => existsSync(archivePath(dataDir, dayOf(shape, date))));
    const lines = keeping?.lines.map(({ message, fields }) => `${message} ${fields.date ?? ""} ${fields.reason ?? ""}`);
    return `on disk ${onDisk.join(" ")}; ${JSON.stringify(keeping?.status())}\n  ${lines?.slice(-40).join("\n  ")}`;
  }

  async function wrongIn(all: readonly Happening[]): Promise<string[]> {
    const best = new Map<number, { date: string; us: number; isRefetched: boolean }>();
    for (const { seen } of recorders) {
      for (const { event, recvUs, isRefetched = false } of seen) {
        const known = best.get(event.id);
        const isBetter =
          known === undefined || (isRefetched === known.isRefetched ? recvUs < known.us : known.isRefetched);
        if (isBetter) best.set(event.id, { date: dateOf(recvUs), us: recvUs, isRefetched });
      }
    }
    told.rows = best.size;
    const found = new Map<number, string[]>();
    for (const date of [...dates, dateOf(firstUs + days * dayUs)]) {
      const lines = await storedLines(s3, `${prefix}/`, dayOf(shape, date)).catch(() => []);
      for (const id of idsIn(shape, lines)) found.set(id, [...(found.get(id) ?? []), date]);
    }
    return all.flatMap(({ id }) => {
      const [expected, there] = [best.get(id)?.date, found.get(id) ?? []];
      const isRight = expected === undefined ? there.length === 0 : there.length === 1 && there[0] === expected;
      return isRight ? [] : [`row ${id} belongs to ${expected} and is in ${there.join(", ") || "no archive"}`];
    });
  }
}

/** Spans that each recorder lost, never both at once, some of them at midnight. */
function cutsOf(random: Random, dates: readonly string[]): { fromUs: number; toUs: number }[][] {
  const cuts: { fromUs: number; toUs: number }[][] = [[], []];
  for (const date of dates) {
    if (!random.chance(0.6)) continue;
    const atUs = dateStartUs(date) + (random.chance(0.5) ? 0 : random.int(86_400) * 1e6);
    const [before, after] = [random.int(1000) * 1000, random.int(1000) * 1000];
    cuts[random.int(2)]?.push({ fromUs: atUs - before, toUs: atUs + after });
  }
  return cuts;
}
