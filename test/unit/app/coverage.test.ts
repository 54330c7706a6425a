import { expect, test } from "bun:test";
import { createCoverage } from "../../../server/app/data/coverage.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { dateStartUs } from "../../../server/domain/day.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { createMinuteRows } from "../../../server/monitor/minute-rows.ts";
import { temporaryFolder } from "../../support/folder.ts";

const startUs = dateStartUs("2026-11-28");
const nowUs = startUs + 10 * 3_600_000_000;

test("today's coverage of 50 streams with 20,000 gaps is exact, and its computation does not block other work", async () => {
  const streams = Array.from({ length: 50 }, (_, n) => parseStreamName(`sym${n}usdt@depth20@100ms`) as Stream);
  const dataDir = temporaryFolder();
  const catalogue = openCatalogue(dataDir);
  const minutes = createMinuteRows(streams);
  for (const stream of streams)
    for (let minute = 0; minute < 600; minute++) minutes.count(stream, startUs + minute * 60_000_000);
  // A gap of three seconds every 90 seconds.
  const gaps = streams.flatMap((stream) =>
    Array.from({ length: 400 }, (_, n) => ({
      ...{ stream: stream.type.folder, symbol: stream.symbol, cause: "reconnect" as const, missing: null, repaired: 0 },
      ...{ from_us: startUs + n * 90_000_000, to_us: startUs + n * 90_000_000 + 3_000_000 },
    })),
  );
  catalogue.saveGaps(gaps);
  const coverage = createCoverage({
    ...{ dataDir, nowUs: () => nowUs, catalogue, gapsOf: () => [], minutes, newest: () => null },
    since: { of: () => startUs, forget() {}, onGap() {} },
    streams: () => new Map(streams.map((stream) => [`${stream.type.folder}/${stream.symbol}`, stream])),
  });

  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const today = await coverage.today();
  isOver = true;

  expect(turns).toBeGreaterThan(1);
  expect(today.gaps).toBe(20_000);
  expect(today.days).toHaveLength(50);
  const share = 1 - (400 * 3) / 36_000;
  for (const { coverage: found } of today.days) expect(found).toBeCloseTo(share, 12);
  expect(today.days[7]?.spans.slice(0, 4)).toEqual([
    [0, 2, "partial"],
    [2, 3, "recorded"],
    [3, 5, "partial"],
    [5, 6, "recorded"],
  ]);
  catalogue.close();
});
