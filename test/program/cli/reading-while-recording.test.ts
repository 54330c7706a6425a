import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type Segment, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";
import { realArchiver, today, writeRaw } from "../../support/data/day-fixture.ts";
import { date, refetchedLine, secondLines, secondOf, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

test("while segments are sealed and days merged, cat prints every line once, and ls and verify report no problem", async () => {
  const dataDir = temporaryFolder();
  const names = ["00-00", "00-05", "00-10", "00-15", "00-20", "00-25"];
  const segments = names.map((name) => ({ stream: "aggTrade", symbol: "BTCUSDT", date, name }));
  let expected = "";
  for (const [n, segment] of segments.entries()) {
    const text = secondLines(date, n * 300, (n + 1) * 300, tradeLine);
    writeRaw(dataDir, segment, text);
    expected += text;
  }
  // Backfilled trades have separate files, in the window that they belong to.
  for (const [n, name] of ["00-05_02", "00-20_02"].entries()) {
    const [firstId, segment] = [n === 0 ? 86_400 + 450 : 86_400 + 1350, { ...(segments[0] as Segment), name }];
    const refetched = [0, 1, 2].map((at) => refetchedLine(secondOf(date, firstId - 86_400 + at) + 7, firstId + at));
    const live = [0, 1, 2].map((at) => tradeLine(secondOf(date, firstId - 86_400 + at), firstId + at));
    const owner = { ...segment, name: n === 0 ? "00-05" : "00-20" };
    const path = segmentPath(dataDir, owner, "open");
    writeFileSync(path, readFileSync(path, "utf8").replace(live.join(""), ""));
    writeRaw(dataDir, segment, refetched.join(""));
    expected = expected.replace(live.join(""), refetched.join(""));
    segments.push(segment);
  }
  const archiver = realArchiver(dataDir);
  const words = ["--data-dir", dataDir];
  const states = new Set<string>();
  let done = false;
  const reading = Array.from({ length: 2 }, async () => {
    while (!done) {
      const [printed, listed, verified] = await Promise.all([
        run(["cat", ...words]),
        run(["ls", ...words, "--json"]),
        run(["verify", ...words]),
      ]);
      expect({ ...printed, output: printed.output === expected }).toEqual({ code: 0, output: true, errors: "" });
      const [{ rows, states: found }] = JSON.parse(listed.output);
      expect({ rows, code: listed.code, errors: listed.errors }).toEqual({ rows: 1800, code: 0, errors: "" });
      for (const state of Object.keys(found)) states.add(state);
      expect(verified).toMatchObject({ code: 0, errors: "" });
    }
  });
  // A reader starts slower than all of it is sealed: one has to have seen the segments as they were written.
  await until(() => states.has("live"), "a reader that saw an open segment", 30_000);
  for (const segment of segments) {
    archiver.seal(segment);
    await until(() => archiver.status().segments_waiting === 0, "the segment to be sealed", 30_000);
  }
  await archiver.mergeDaysBefore(today);
  await until(() => archiver.status().days_waiting === 0, "the day to be merged", 30_000);
  done = true;
  await Promise.all(reading);
  await archiver.stop(0);
  expect(archiver.failures).toEqual([]);
  expect((await run(["ls", ...words])).output).toContain("1 verified");
}, 60_000);

test("flushed records are readable at once, while the recorder goes on writing", async () => {
  const dataDir = temporaryFolder();
  let nowUs = secondOf(today, 0);
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 5, flushRecords: 10, flushMs: 60_000, sync: "never" },
    { nowUs: () => nowUs, onClosed: () => {}, onDropped: () => {}, onLost: () => {}, log: silentLog },
  );
  const track = recorder.writer(parseStreamName("btcusdt@aggTrade") as Stream);
  let expected = "";
  for (let id = 0; id < 700; id++) {
    nowUs = secondOf(today, id);
    const payload = `{"a":${id},"p":"1.00000000","q":"1.00000000","f":1,"l":1,"T":1,"m":true,"M":true}`;
    track.append(payload, nowUs, 5);
    expected += encodeLine(payload, nowUs, 5);
    if (id % 100 !== 99) continue;
    const { code, output } = await run(["cat", "--data-dir", dataDir]);
    expect({ code, isWhole: output === expected }).toEqual({ code: 0, isWhole: true });
  }
  await recorder.stop();
});
