import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { dateOf, type Segment, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { dayRequest } from "../../../server/telegram/bot/day-request.ts";
import { readChartPoints } from "../../../server/telegram/pictures/chart-points.ts";
import { createPictureWorker, type PictureJob } from "../../../server/telegram/pictures/picture-worker-client.ts";
import { startPictureWorker } from "../../../server/workers.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { temporaryFolder } from "../../support/folder.ts";

const second = 1_000_000;
const minute = 60 * second;
const toUs = Date.parse("2026-11-24T00:30:00Z") * 1000;

/** Books every 10 s of the hour before `toUs`, over midnight, in segments of five minutes; the newest segment is open, another is missing. */
function recordedHour(): string {
  const dataDir = temporaryFolder();
  for (let start = toUs - 60 * minute; start < toUs; start += 5 * minute) {
    if (start === toUs - 30 * minute) continue;
    const lines: string[] = [];
    for (let at = start; at < start + 5 * minute; at += 10 * second) {
      const price = 86_700 + 40 * Math.sin((at - toUs) / 600e6) + 6 * Math.sin((at - toUs) / 47e6);
      const level = (value: number) => [value.toFixed(8), "1.00000000"];
      const book = {
        lastUpdateId: at,
        bids: [level(price)],
        asks: [level(price + 0.01 + Math.abs(Math.sin(at / 9e7)))],
      };
      lines.push(encodeLine(JSON.stringify(book), at, 110));
    }
    const name = new Date(start / 1000).toISOString().slice(11, 16).replace(":", "-");
    const segment: Segment = { stream: "depth20", symbol: "BTCUSDT", date: dateOf(start), name };
    const isOpen = start + 5 * minute >= toUs;
    const path = segmentPath(dataDir, segment, isOpen ? "open" : "sealed");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, isOpen ? lines.join("") : zstdCompressSync(lines.join("")));
  }
  return dataDir;
}

const query = { symbol: "BTCUSDT", stream: "depth20", fromUs: toUs - 60 * minute, toUs };

test("a chart reads the first record of each part of its time, over midnight, from sealed and open files, and leaves gaps empty", async () => {
  const dataDir = recordedHour();
  const each = await readChartPoints({ ...query, dataDir, points: 360 });
  expect(each).toHaveLength(330);
  expect(each.every(({ bid, ask, delayMs }) => Number(ask) > Number(bid) && delayMs === 110)).toBe(true);
  const coarse = await readChartPoints({ ...query, dataDir, points: 12 });
  expect(coarse.map(({ atUs }) => (atUs - query.fromUs) / minute)).toEqual([0, 5, 10, 15, 20, 25, 35, 40, 45, 50, 55]);
  const late = await readChartPoints({ ...query, dataDir, fromUs: toUs - 7 * minute, points: 42 });
  expect(late[0]?.atUs).toBe(toUs - 7 * minute);
  expect(await readChartPoints({ ...query, dataDir, symbol: "ETHUSDT", points: 60 })).toEqual([]);
});

test("a torn or damaged file is a hole in the chart, and the others are drawn", async () => {
  const dataDir = recordedHour();
  const torn = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-24", name: "00-10" };
  writeFileSync(segmentPath(dataDir, torn, "sealed"), "no zstd at all");
  expect(await readChartPoints({ ...query, dataDir, points: 360 })).toHaveLength(300);
});

const pictures = () => createPictureWorker({ startWorker: startPictureWorker, log: silentLog });

function chartJob(dataDir: string): PictureJob {
  const gaps = [{ fromUs: toUs - 30 * minute, toUs: toUs - 25 * minute }];
  const rates = Array.from({ length: 60 }, (_, n) => ({
    atUs: query.fromUs + (n + 0.5) * minute,
    value: n >= 30 && n < 35 ? 0 : 24 + 5 * Math.sin(n / 3),
  }));
  const chart = { symbol: "BTCUSDT", span: "1h", fromUs: query.fromUs, toUs, stepUs: 10 * second, rates, gaps };
  return { kind: "chart", dataDir, stream: "depth20", chart: { ...chart, timeZone: "UTC" } };
}

test("charts and days are drawn in a worker, as pictures that a phone takes", async () => {
  const drawn = pictures();
  const folder = temporaryFolder();
  const chart = await drawn.draw(chartJob(recordedHour()));
  const sources = { status: () => fakeStatus(1, 30), history: fakeHistory(30), nowUs: () => Date.now() * 1000 };
  const day = await drawn.draw(await dayRequest(sources, dateOf(Date.now() * 1000 - 86_400e6)));
  for (const [name, png] of Object.entries({ chart, day })) {
    writeFileSync(join(folder, `${name}.png`), png);
    const view = new DataView(png.buffer, png.byteOffset);
    expect([name, ...png.slice(1, 4)]).toEqual([name, 0x50, 0x4e, 0x47]);
    const [width, height] = [view.getUint32(16), view.getUint32(20)];
    expect(width).toBe(1080);
    // Telegram takes pictures whose sides sum up to 10,000, and a phone shows them whole up to twice as high as wide.
    expect(height).toBeGreaterThan(900);
    expect(height).toBeLessThan(1500);
    expect(png.length).toBeLessThan(300_000);
  }
});

test("a chart without data is drawn as well, and a chart that cannot be drawn says so", async () => {
  const drawn = pictures();
  const empty = await drawn.draw(chartJob(temporaryFolder()));
  expect(empty.length).toBeGreaterThan(5000);
  const wrong = { kind: "chart", dataDir: "/nowhere", stream: "depth20", chart: null } as unknown as PictureJob;
  expect(drawn.draw(wrong)).rejects.toThrow();
});

test("one picture is drawn at a time, a few wait, and each has a time limit", async () => {
  const drawn = createPictureWorker(
    { startWorker: () => new Worker(`data:text/javascript,self.onmessage = () => {}`), log: silentLog },
    { timeoutMs: 50 },
  );
  const results = await Promise.allSettled(Array.from({ length: 9 }, () => drawn.draw(chartJob("/nowhere"))));
  const reasons = results.map((result) => (result.status === "rejected" ? String(result.reason.message) : "drawn"));
  expect(reasons.filter((reason) => reason === "it took longer than 0.05 s")).toHaveLength(7);
  expect(reasons.filter((reason) => reason === "too many pictures are waiting")).toHaveLength(2);
  drawn.stop();
  expect(drawn.draw(chartJob("/nowhere"))).rejects.toThrow("the recorder is stopping");
});
