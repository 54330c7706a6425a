import { expect, test } from "bun:test";
import type { Gap } from "../../../server/domain/gap.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createGapLedger } from "../../../server/recorder/write/gap-ledger.ts";

const streams = ["btcusdt@aggTrade", "ethusdt@aggTrade"].map(parseStreamName) as [Stream, Stream];

const gap = (from_us: number, to_us: number): Gap => ({
  ...{ stream: "aggTrade", symbol: "BTCUSDT", from_us, to_us, cause: "reconnect", missing: null, repaired: 0 },
});

function setUp() {
  const stored: Gap[] = [];
  const disk = { works: true };
  const store = (gaps: readonly Gap[]) => {
    if (!disk.works) throw new Error("no space left");
    stored.push(...gaps);
  };
  return { stored, disk, ledger: createGapLedger({ store, log: silentLog }) };
}

test("a gap is counted once, however often it is updated, and an empty time span is not a gap", () => {
  const { ledger, stored } = setUp();
  ledger.add([gap(10, 20), gap(30, 30)]);
  ledger.update([{ ...gap(10, 25), missing: 3 }]);
  expect(stored).toEqual([gap(10, 20), { ...gap(10, 25), missing: 3 }]);
  expect(ledger.count()).toBe(1);
});

test("gaps found while the disk is full are stored when it works again, each exactly once", () => {
  const { ledger, stored, disk } = setUp();
  disk.works = false;
  ledger.add([gap(10, 20)]);
  ledger.add([gap(30, 40)]);
  ledger.settle();
  expect(stored).toEqual([]);
  disk.works = true;
  ledger.settle();
  ledger.settle();
  expect(stored.map(({ from_us }) => from_us)).toEqual([10, 30]);
});

test("records dropped one after the other for one cause are one gap from the first to the last, with their number", () => {
  const { ledger, stored } = setUp();
  for (const us of [100, 200, 300]) ledger.drop(streams[0], us, "disk");
  ledger.drop(streams[1], 250, "overflow");
  ledger.drop(streams[0], 400, "latency");
  ledger.settle();
  expect(stored.map(({ symbol, from_us, to_us, cause, missing }) => [symbol, from_us, to_us, cause, missing])).toEqual([
    ["BTCUSDT", 100, 301, "disk", 3],
    ["ETHUSDT", 250, 251, "overflow", 1],
    ["BTCUSDT", 400, 401, "latency", 1],
  ]);
});
