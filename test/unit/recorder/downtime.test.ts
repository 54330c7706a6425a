import { expect, test } from "bun:test";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { type Segment, segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import { downtimes } from "../../../server/recorder/recover/downtime.ts";
import { streamOf } from "../../support/binance/gap-check.ts";
import { temporaryFolder } from "../../support/folder.ts";

const second = 1_000_000;
const now = Date.parse("2026-11-22T12:00:00Z") * 1000;
const [btc, eth, sol] = ["btcusdt@aggTrade", "ethusdt@aggTrade", "solusdt@aggTrade"].map(streamOf);
const streams = [btc, eth, sol].filter((stream) => stream !== undefined);
/** No other facts are known. */
const bare = { notedUsOf: () => 0, isLost: false };
const times = { flushMs: 1000, nowUs: now };

function orphan(dataDir: string, symbol: string, line: string, name = "11-55"): Segment {
  const segment = { stream: "aggTrade", symbol, date: "2026-11-22", name };
  const path = segmentPath(dataDir, segment, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, line);
  return segment;
}

const trade = (id: number) => `{"e":"aggTrade","a":${id}}`;

test("after a clean stop every downtime starts at the last receipt, whichever stream received it", () => {
  const dataDir = temporaryFolder();
  orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 90 * second, null));
  const { newestUs, of } = downtimes(
    dataDir,
    streams,
    { ...bare, lastRun: { lastRecvUs: now - 60 * second, clean: true }, segments: [], gapsOf: () => [] },
    times,
  );
  expect(newestUs).toBe(now - 60 * second);
  expect([...of]).toEqual([[streams[0] as never, { fromUs: now - 60 * second, cause: "restart" }]]);
});

test("after a power loss each stream is missing from its own last record on disk, however much of it was not synced", () => {
  const dataDir = temporaryFolder();
  const orphans = [
    orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 30 * second, null)),
    orphan(dataDir, "ETHUSDT", encodeLine(trade(1), now - 50 * second, null)),
  ];
  const lastRun = { lastRecvUs: now - 20 * second, clean: false, isRebooted: true };
  const { of } = downtimes(dataDir, streams, { ...bare, lastRun, segments: orphans, gapsOf: () => [] }, times);
  expect([...of.values()].map(({ fromUs, cause }) => [(now - fromUs) / second, cause])).toEqual([
    [30, "crash"],
    [50, "crash"],
  ]);
});

test("after a crash each stream is missing from its last record on disk, or from one flush interval before the newest of all", () => {
  const dataDir = temporaryFolder();
  const orphans = [
    orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 30 * second, null)),
    orphan(dataDir, "ETHUSDT", encodeLine(trade(1), now - 50 * second, null)),
    orphan(dataDir, "SOLUSDT", encodeLine(trade(1), now - 30.5 * second, null)),
  ];
  const { of } = downtimes(
    dataDir,
    streams,
    { ...bare, lastRun: { lastRecvUs: now - 40 * second, clean: false }, segments: orphans, gapsOf: () => [] },
    times,
  );
  expect([...of.values()].map(({ fromUs, cause }) => [(now - fromUs) / second, cause])).toEqual([
    [30, "crash"],
    [31, "crash"],
    [30.5, "crash"],
  ]);
});

test("after a crash a gap that was stored a moment before is not missing a second time", () => {
  const dataDir = temporaryFolder();
  const orphans = [orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 50 * second, null))];
  const lastRun = { lastRecvUs: now - 30 * second, clean: false };
  const fromSeconds = (from: number, to: number) => {
    const span = { from_us: now - from * second, to_us: now - to * second, missing: null, repaired: 0 };
    const gap = { stream: "aggTrade", symbol: "BTCUSDT", cause: "crash" as const, ...span };
    const before = { ...bare, notedUsOf: () => now - 30.5 * second, lastRun, segments: orphans, gapsOf: () => [gap] };
    return (now - ([...downtimes(dataDir, streams, before, times).of.values()][0]?.fromUs ?? 0)) / second;
  };
  expect(fromSeconds(32, 30.8)).toBe(30.8);
  // Records of the last flush interval before this gap may be lost as well.
  expect(fromSeconds(30.7, 30.6)).toBe(31);
});

test("after a crash a stream whose file somebody has cut short is missing from its last record that is left", () => {
  const dataDir = temporaryFolder();
  const line = encodeLine(trade(1), now - 50 * second, null);
  const orphans = [
    orphan(dataDir, "BTCUSDT", line + line.slice(0, 30)),
    orphan(dataDir, "ETHUSDT", encodeLine(trade(1), now - 90 * second, null), "11-50"),
    orphan(dataDir, "ETHUSDT", line.slice(0, 30)),
    orphan(dataDir, "SOLUSDT", encodeLine(trade(1), now - 30 * second, null)),
  ];
  const lastRun = { lastRecvUs: now - 40 * second, clean: false };
  const { of } = downtimes(dataDir, streams, { ...bare, lastRun, segments: orphans, gapsOf: () => [] }, times);
  expect([...of.values()].map(({ fromUs }) => (now - fromUs) / second)).toEqual([50, 90, 30]);
});

test("refetched trades, which bear the exchange's time, and a clock that was put back, make no downtime begin in the future", () => {
  const dataDir = temporaryFolder();
  const orphans = [
    orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 30 * second, null)),
    orphan(dataDir, "BTCUSDT", encodeBackfilledLine('{"a":2}', now + 90 * second), "11-55_02"),
  ];
  const { newestUs } = downtimes(
    dataDir,
    streams,
    { ...bare, lastRun: null, segments: orphans, gapsOf: () => [] },
    times,
  );
  expect(newestUs).toBe(now - 30 * second);
  const later = downtimes(
    dataDir,
    streams,
    { ...bare, lastRun: { lastRecvUs: now + 3600 * second, clean: false }, segments: orphans, gapsOf: () => [] },
    times,
  );
  expect([later.newestUs, later.of.get(streams[0] as never)?.fromUs]).toEqual([now, now - second]);
});

test("a pause without later records goes on, checked or not; after a pause followed by records of other streams only, all is missing", () => {
  const dataDir = temporaryFolder();
  const orphans = [orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 30 * second, null))];
  const pause = (toS: number, missing: number | null) => ({
    ...{ stream: "aggTrade", symbol: "BTCUSDT", cause: "restart" as const, missing, repaired: 0 },
    ...{ from_us: now - 29.9 * second, to_us: now - toS * second },
  });
  const fromOf = (gap: ReturnType<typeof pause>, lastRecvUs: number) => {
    const before = { ...bare, lastRun: { lastRecvUs, clean: false }, segments: orphans, gapsOf: () => [gap] };
    const down = [...downtimes(dataDir, streams, before, times).of.values()][0];
    return [(now - (down?.fromUs ?? 0)) / second, down?.cause];
  };
  expect(fromOf(pause(10, null), now - 30 * second)).toEqual([29.9, "restart"]);
  expect(fromOf(pause(10, 7), now - 30 * second)).toEqual([29.9, "restart"]);
  expect(fromOf(pause(10, null), now - 5 * second)).toEqual([10, "crash"]);
  // A record that is older than 20 s would be in the journal.
  expect(fromOf(pause(29, null), now - 5 * second)).toEqual([25, "crash"]);
});

test("if the disk refused the journal for long, each stream is missing from its own last record on disk", () => {
  const dataDir = temporaryFolder();
  const orphans = [
    orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 50 * second, null)),
    orphan(dataDir, "ETHUSDT", encodeLine(trade(1), now - 5 * second, null)),
  ];
  const fromOf = (lastRecvUs: number) => {
    const lastRun = { lastRecvUs, clean: false };
    const { of } = downtimes(dataDir, streams, { ...bare, lastRun, segments: orphans, gapsOf: () => [] }, times);
    return [...of.values()].map(({ fromUs }) => (now - fromUs) / second);
  };
  expect(fromOf(now - 10 * second)).toEqual([6, 5]);
  expect(fromOf(now - 55 * second)).toEqual([50, 5]);
});

test("a pause that ended with the only record of a run is over", () => {
  const dataDir = temporaryFolder();
  orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 10 * second, null));
  const span = { from_us: now - 30 * second, to_us: now - 10 * second, missing: 3, repaired: 3 };
  const pause = { stream: "aggTrade", symbol: "BTCUSDT", cause: "restart" as const, ...span };
  const lastRun = { lastRecvUs: now - 10 * second, clean: true };
  const before = { ...bare, lastRun, segments: [], gapsOf: () => [pause] };
  const down = [...downtimes(dataDir, streams, before, times).of.values()];
  expect(down[0]).toEqual({ fromUs: now - 10 * second, cause: "restart" });
});

test("after a crash a sealed segment shows how far the run came, even if the run could not store its last receipt", () => {
  const dataDir = temporaryFolder();
  const segment = orphan(dataDir, "BTCUSDT", "");
  rmSync(segmentPath(dataDir, segment, "open"));
  const sealed = zstdCompressSync(encodeLine(trade(1), now - 10 * second, null));
  writeFileSync(segmentPath(dataDir, segment, "sealed"), sealed);
  const lastRun = { lastRecvUs: now - 60 * second, clean: false };
  const before = { ...bare, lastRun, segments: [], gapsOf: () => [] };
  const down = [...downtimes(dataDir, streams, before, times).of.values()];
  expect(down).toEqual([{ fromUs: now - 10 * second, cause: "crash" }]);
});

test("after a power loss a run whose segments are sealed is no part of the downtime, whatever older files and archives there are", () => {
  const dataDir = temporaryFolder();
  const old = orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 300 * second, null), "11-54");
  const sealed = (name: string, text: string) => {
    const segment = orphan(dataDir, "BTCUSDT", "", name);
    rmSync(segmentPath(dataDir, segment, "open"));
    writeFileSync(segmentPath(dataDir, segment, "sealed"), zstdCompressSync(text));
    return segment;
  };
  const newest = sealed("11-59", encodeLine(trade(2), now - 60 * second, null));
  // A long backfill writes a segment for each window.
  for (let n = 0; n < 20; n++)
    sealed(`12-${String(n + 10)}`, encodeBackfilledLine(trade(3 + n), now - (40 - n) * second));
  const lastRun = { lastRecvUs: now - 20 * second, clean: false, isRebooted: true };
  const before = { ...bare, lastRun, segments: [old], gapsOf: () => [] };
  const fromOf = () => [...downtimes(dataDir, streams, before, times).of.values()][0]?.fromUs;
  expect(fromOf()).toBe(now - 60 * second);
  const longAgo = new Date(now / 1000 - 3_600_000);
  utimesSync(segmentPath(dataDir, newest, "sealed"), longAgo, longAgo);
  expect(fromOf()).toBe(now - 300 * second);
});

test("a stream whose records of a run a power loss took was part of that run, if a gap of it tells so", () => {
  const dataDir = temporaryFolder();
  const day = 86_400 * second;
  orphan(dataDir, "BTCUSDT", encodeLine(trade(1), now - 2 * day, null));
  const lastRun = { lastRecvUs: now - 20 * second, clean: false, isRebooted: true };
  const span = { from_us: now - 1.5 * day, to_us: now - 60 * second, missing: null, repaired: 0 };
  const pause = { stream: "aggTrade", symbol: "BTCUSDT", cause: "crash" as const, ...span };
  const causeOf = (gaps: readonly Gap[]) => {
    const before = { ...bare, notedUsOf: () => now - 2 * day, lastRun, segments: [], gapsOf: () => gaps };
    return [...downtimes(dataDir, streams, before, times).of.values()][0]?.cause;
  };
  expect([causeOf([]), causeOf([pause])]).toEqual(["not_configured", "crash"]);
});
