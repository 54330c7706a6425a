import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { createBookReads } from "../../../../server/app/data/book-reads.ts";
import type { Gap } from "../../../../server/domain/gap.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { at, diff, rows, writeSegments } from "../../../support/simulator/recorded-folder.ts";

test("a worker answers which book there was, knows the recorder's gaps, and refuses more than eight requests at once", async () => {
  const dataDir = temporaryFolder();
  const start = at("12:00:00");
  writeSegments(dataDir, "depth", [
    ...rows(start, 60, 1000, (n) => diff(n + 1, n)),
    ...rows(start + 90e6, 5, 1000, (n) => diff(n + 90, n)),
  ]);
  writeSegments(dataDir, "depthSnapshot", [
    [start + 500, '{"lastUpdateId":1,"bids":[["9.00000000","2.50000000"]],"asks":[]}'],
  ]);
  const gap: Gap = {
    stream: "depth",
    symbol: "BTCUSDT",
    from_us: start + 59e6,
    to_us: start + 90e6,
    cause: "crash",
    missing: null,
    repaired: 0,
  };
  const reads = createBookReads({
    dataDir,
    gapsOf: ({ stream, date }) => (stream === "depth" && date === "2026-11-22" ? [gap] : []),
    log: silentLog,
  });
  const ask = (seconds: number) => reads.bookAt({ symbol: "BTCUSDT", atUs: start + seconds * 1e6, depth: 1 });
  const answers = await Promise.all([10.5, 70, ...Array.from({ length: 8 }, () => 20)].map(ask));
  expect(answers[0]).toMatchObject({ source: "depth", last_update_id: 11, bids: [["11.00000000", "11.00000000"]] });
  expect(answers[1]).toMatchObject({ source: null, reason: "gap", gap: { cause: "crash" } });
  expect(answers.filter((answer) => answer === "busy")).toHaveLength(2);
  expect(await ask(20.5)).toMatchObject({ last_update_id: 21 });
  reads.stop();
  rmSync(dataDir, { recursive: true, force: true });
});
