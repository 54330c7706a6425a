import { expect, test } from "bun:test";
import type { Gap } from "../../server/gap.ts";
import { silentLog } from "../../server/log.ts";
import { createGapLedger } from "../../server/recorder/gap-ledger.ts";
import { parseStreamName, type Stream } from "../../server/stream.ts";

const streams = ["btcusdt@aggTrade", "ethusdt@aggTrade"].map(parseStreamName) as [Stream, Stream];

function setUp() {
  const stored: Gap[] = [];
  const disk = { works: true };
  const store = (gap: Gap) => {
    if (!disk.works) throw new Error("no space left");
    stored.push(gap);
  };
  return { stored, disk, ledger: createGapLedger({ store, log: silentLog }) };
}

test("a gap of a socket is written down for each of its streams", () => {
  const { ledger, stored } = setUp();
  ledger.add(streams, 10, 20, "reconnect");
  expect(stored.map(({ symbol, from_us, to_us, cause }) => [symbol, from_us, to_us, cause])).toEqual([
    ["BTCUSDT", 10, 20, "reconnect"],
    ["ETHUSDT", 10, 20, "reconnect"],
  ]);
  expect(ledger.count()).toBe(2);
});

test("gaps found while the disk is full are stored when it works again, none lost, none doubled", () => {
  const { ledger, stored, disk } = setUp();
  disk.works = false;
  ledger.add([streams[0]], 10, 20, "reconnect");
  ledger.add([streams[0]], 30, 40, "silent");
  ledger.settle();
  expect(stored).toEqual([]);
  disk.works = true;
  ledger.settle();
  ledger.settle();
  expect(stored.map(({ from_us }) => from_us)).toEqual([10, 30]);
});

test("records dropped one after the other are one gap from the first to the last", () => {
  const { ledger, stored } = setUp();
  for (const us of [100, 200, 300]) ledger.drop(streams[0], us);
  ledger.drop(streams[1], 250);
  expect(stored).toEqual([]);
  ledger.settle();
  expect(stored.map(({ symbol, from_us, to_us, cause }) => [symbol, from_us, to_us, cause])).toEqual([
    ["BTCUSDT", 100, 301, "disk"],
    ["ETHUSDT", 250, 251, "disk"],
  ]);
});
