import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createBackfill } from "../../../server/app/recording/backfill.ts";
import type { PendingBackfill } from "../../../server/binance/rest/backfill-queue.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createUsedNames } from "../../../server/recorder/write/free-segment-name.ts";
import { streamOf } from "../../support/binance/gap-check.ts";
import { temporaryFolder } from "../../support/folder.ts";

const stream = streamOf("btcusdt@aggTrade");
const stoppedUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const resumedUs = stoppedUs + 60_000_000;
const gap = {
  ...{ stream: "aggTrade", symbol: "BTCUSDT", from_us: stoppedUs, to_us: resumedUs, cause: "crash" as const },
  ...{ missing: null, repaired: 0 },
};

/** A folder in which trade `lastId` was recorded before the pause and `firstId` after it. */
function setUp(lastId: number, firstId: number) {
  const dataDir = temporaryFolder();
  for (const [name, id, us] of [
    ["11-55", lastId, stoppedUs - 1000],
    ["12-00", firstId, resumedUs + 1000],
  ] as const) {
    const path = segmentPath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22", name }, "open");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, encodeLine(`{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id}}`, us, null));
  }
  const journal = openJournal(dataDir, { log: silentLog });
  const repair = createBackfill(
    { dataDir, segmentMinutes: 5, streams: [stream], usedNames: createUsedNames() },
    {
      rest: createRestClient({ restUrl: "http://127.0.0.1:9" }, { log: silentLog }),
      ...{ journal, log: silentLog, nowUs: () => resumedUs, firstDiffId: () => null },
      ...{ onSnapshot() {}, onClosed() {}, onLate() {}, flushed: async () => {} },
    },
  );
  const holes = () =>
    journal.backfills.all().map(({ fromId, toId }: Pick<PendingBackfill, "fromId" | "toId">) => [fromId, toId]);
  return { dataDir, journal, repair, holes };
}

test("the trades on disk before and after a pause show the missing ids, even long afterwards, and these are saved for a backfill", async () => {
  const { repair, holes } = setUp(100, 151);
  expect(await repair.catchUp({ gap, stream, resumedUs, firstId: null })).toBe(50);
  expect(holes()).toEqual([[101, 150]]);
});

test("the missing ids of a pause are saved before its gap gets their number: after a kill in between, the next run looks again", async () => {
  const { repair, holes } = setUp(100, 151);
  const saved: unknown[] = [];
  await repair.catchUp({
    gap,
    stream,
    resumedUs,
    firstId: null,
    onJudged: (missing) => saved.push([missing, holes()]),
  });
  expect(saved).toEqual([[50, [[101, 150]]]]);
});

test("if the ids continue after a pause, no trade is missing", async () => {
  const { repair, holes } = setUp(100, 101);
  expect(await repair.catchUp({ gap, stream, resumedUs, firstId: null })).toBe(0);
  expect(holes()).toEqual([]);
});

test("trades that a wrong clock has filed under an old date do not count as missing, even if the journal has no step of the clock", async () => {
  const { dataDir, journal, repair, holes } = setUp(100, 151);
  const trades = { stream: "aggTrade" as const, symbol: "BTCUSDT" };
  for (const [date, ids] of [
    ["2026-11-09", [101, 102, 103]],
    ["2026-11-20", [1]],
    ["2026-11-21", [2]],
  ] as const) {
    const path = segmentPath(dataDir, { ...trades, date, name: "12-00" }, "open");
    mkdirSync(dirname(path), { recursive: true });
    const us = Date.parse(`${date}T12:00:00Z`) * 1000;
    writeFileSync(
      path,
      ids.map((id) => encodeLine(`{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id}}`, us, null)).join(""),
    );
  }
  const stampedUs = Date.parse("2026-11-09T12:00:00Z") * 1000;
  journal.saveGaps([{ ...gap, from_us: stampedUs - 1, to_us: stampedUs }]);
  expect(await repair.catchUp({ gap, stream, resumedUs, firstId: null })).toBe(47);
  expect(holes()).toEqual([[104, 150]]);
});

test("if the ids restart during a pause, lower or far higher, the number of missing trades stays unknown and no trade is requested", async () => {
  for (const firstId of [7, 2_000_000_000]) {
    const { repair, holes } = setUp(100, firstId);
    expect(await repair.catchUp({ gap, stream, resumedUs, firstId: null })).toBeNull();
    expect(holes()).toEqual([]);
  }
});
