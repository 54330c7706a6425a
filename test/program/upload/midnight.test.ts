import { afterAll, beforeAll, expect, test } from "bun:test";
import { dateStartUs } from "../../../server/domain/day.ts";
import type { Manifest } from "../../../server/storage/manifest.ts";
import { rtData, start } from "../../support/program.ts";
import { keep, keysOf } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import {
  copyOf,
  dayOf,
  type Happening,
  happenings,
  idsIn,
  kinds,
  recorderOf,
  type Seen,
  type StreamShape,
  storedLines,
  verified,
} from "../../support/upload/two-recorders.ts";
import { until } from "../../support/wait.ts";

const dates = ["2026-11-18", "2026-11-19", "2026-11-20"];
const events = happenings(dates);
const midnight = dateStartUs("2026-11-19");
const after = (delayMs: number, lost: (event: Happening) => boolean = () => false): Seen[] =>
  events.filter((event) => !lost(event)).map((event) => ({ event, recvUs: event.us + delayMs * 1000 }));
const within = (fromMs: number, toMs: number) => (event: Happening) =>
  event.us >= midnight + fromMs * 1000 && event.us < midnight + toMs * 1000;

let s3: S3;
beforeAll(async () => {
  s3 = await startFauxS3();
});
afterAll(() => s3.stop());

/** Uploads data folders one after another into a bucket of their own. */
async function upload(prefix: string, folders: readonly string[]): Promise<void> {
  for (const dataDir of folders) {
    const keeping = keep(dataDir, s3, { "upload.prefix": prefix });
    await keeping.settled(0);
    await keeping.settled();
    await keeping.stop();
    expect(keeping.lines.filter(({ level }) => level === "error")).toEqual([]);
  }
}

async function bucketOf(shape: StreamShape, prefix: string): Promise<string[][]> {
  return Promise.all(dates.map((date) => storedLines(s3, `${prefix}/`, dayOf(shape, date))));
}

test.each(kinds.map((shape) => [shape.folder, shape] as const))(
  "%s of two faultless recorders, 5 and 35 ms behind: every record is in exactly one day, the day of its first receipt, and verify finds no problem",
  async (folder, shape) => {
    const [quick, slow] = [await recorderOf(shape, after(5), dates), await recorderOf(shape, after(35), dates)];
    await upload(`plain-${folder}`, [quick, slow]);
    await upload(`turned-${folder}`, [slow, quick]);
    const [plain, turned] = [await bucketOf(shape, `plain-${folder}`), await bucketOf(shape, `turned-${folder}`)];
    expect(turned).toEqual(plain);
    expect(plain.flatMap((lines) => idsIn(shape, lines))).toEqual(events.map(({ id }) => id));
    for (const [n, date] of dates.entries()) {
      const expected = events.filter(({ us }) => new Date((us + 5000) / 1000).toISOString().startsWith(date));
      expect(idsIn(shape, plain[n] ?? [])).toEqual(expected.map(({ id }) => id));
    }
    expect(await verified(await copyOf(s3, `turned-${folder}/`))).toEqual([]);
  },
  60_000,
);

test("the quicker one reconnects at midnight: the slower one's records fill its gap on both sides, and verify says so", async () => {
  for (const shape of kinds.filter(({ folder }) => ["aggTrade", "depth20", "depth"].includes(folder))) {
    const lost = within(-300, 250);
    const [quick, slow] = [await recorderOf(shape, after(5, lost), dates), await recorderOf(shape, after(35), dates)];
    const prefix = `gap-${shape.folder}`;
    await upload(prefix, [quick, slow]);
    const lines = await bucketOf(shape, prefix);
    const ids = lines.flatMap((of) => idsIn(shape, of));
    expect(ids.toSorted((a, b) => a - b)).toEqual(events.map(({ id }) => id));
    // In order of time. Ids are out of order if the quicker recorder goes on before the slower has caught up.
    expect(ids).not.toEqual(events.map(({ id }) => id));
    const times = lines.map((of) => of.map((line) => Number(/"recv_us":(\d+)/.exec(line)?.[1])));
    for (const of of times) expect(of).toEqual(of.toSorted((a, b) => a - b));
    expect(await verified(await copyOf(s3, `${prefix}/`))).toEqual([]);
  }
}, 120_000);

test("verify still reports missing and duplicated ids in a combined archive", async () => {
  const [shape] = kinds as [StreamShape];
  const hole = (event: Happening) => within(-200, -150)(event);
  const [quick, slow] = [
    await recorderOf(
      shape,
      after(5, (event) => hole(event) || within(-300, 250)(event)),
      dates,
    ),
    await recorderOf(shape, after(35, hole), dates),
  ];
  await upload("holes", [quick, slow]);
  const program = start([...rtData, "verify", "--data-dir", await copyOf(s3, "holes/")], { env: {} });
  expect(await program.ended).toBe(1);
  expect(program.output()).toContain("5 ids are missing and no gap explains it");
  expect(program.output()).not.toContain("not above the previous id");
});

test("a trade received by either recorder wins over the same trade backfilled by the other, on its day, in either order", async () => {
  for (const shape of kinds.filter(({ rest }) => rest !== undefined)) {
    // The quicker recorder has backfilled all around midnight, with the exchange's time; the slower received it after midnight.
    const seen = after(5, within(-100, 100));
    for (const event of events.filter(within(-100, 100))) seen.push({ event, recvUs: event.us, isRefetched: true });
    const [quick, slow] = [await recorderOf(shape, seen, dates), await recorderOf(shape, after(120), dates)];
    await upload(`refetched-${shape.folder}`, [quick, slow]);
    await upload(`received-${shape.folder}`, [slow, quick]);
    const [first, second] = [
      await bucketOf(shape, `refetched-${shape.folder}`),
      await bucketOf(shape, `received-${shape.folder}`),
    ];
    expect(first).toEqual(second);
    const ids = first.flatMap((lines) => idsIn(shape, lines));
    expect(ids.toSorted((a, b) => a - b)).toEqual(events.map(({ id }) => id));
    expect(first.flat().filter((line) => line.includes('"repaired":true'))).toEqual([]);
    expect(await verified(await copyOf(s3, `received-${shape.folder}/`))).toEqual([]);
  }
}, 60_000);

test("days of three recorders, uploaded one at a time in any order, come out the same, byte for byte", async () => {
  const [shape] = kinds as [StreamShape];
  const recorders = [after(5, within(-300, -100)), after(35), after(1500, within(0, 40))];
  const parts: string[] = [];
  for (const seen of recorders) for (const date of dates) parts.push(await recorderOf(shape, seen, [date]));
  const orders = [parts, parts.toReversed(), [8, 0, 4, 2, 6, 1, 5, 3, 7].map((n) => parts[n] ?? "")];
  const outcomes: string[][][] = [];
  for (const [n, order] of orders.entries()) {
    await upload(`any-${n}`, order);
    outcomes.push(await bucketOf(shape, `any-${n}`));
  }
  expect(outcomes[1]).toEqual(outcomes[0] as string[][]);
  expect(outcomes[2]).toEqual(outcomes[0] as string[][]);
  const ids = outcomes[0]?.flatMap((lines) => idsIn(shape, lines)) ?? [];
  expect(ids.toSorted((a, b) => a - b)).toEqual(events.map(({ id }) => id));
  expect(await verified(await copyOf(s3, "any-2/"))).toEqual([]);
}, 120_000);

test("rows moved to the adjacent day come back if that day is lost, and late rows change no archive", async () => {
  const [shape] = kinds as [StreamShape];
  const [quick, slow] = [await recorderOf(shape, after(5), dates), await recorderOf(shape, after(35), dates)];
  await upload("lost", [quick, slow]);
  const [, day = ""] = dates;
  const before = dayOf(shape, dates[0] ?? "");
  const manifest = (await s3.client.file(keysOf(dayOf(shape, day), "lost/")[1] ?? "").json()) as Manifest;
  expect(manifest.borders).toMatchObject({ before: { moved: true } });
  for (const key of keysOf(before, "lost/")) await s3.client.delete(key);
  const keeping = keep(slow, s3, { "upload.prefix": "lost" });
  keeping.onArchived(dayOf(shape, day));
  await keeping.settled();
  await keeping.stop();
  const ids = idsIn(shape, await storedLines(s3, "lost/", dayOf(shape, day))).sort((a, b) => a - b);
  const expected = events.filter(({ us }) => us + 35_000 >= midnight && us + 5000 < dateStartUs("2026-11-20"));
  expect(ids).toEqual(expected.map(({ id }) => id));
}, 60_000);

test.each([
  ["cut off", (whole: Uint8Array) => new Response(Uint8Array.from(whole.subarray(0, -1)))],
  ["too long", (whole: Uint8Array) => new Response(Buffer.concat([whole, whole]))],
  ["gone, though its size is told", () => new Response("<Error><Code>NoSuchKey</Code></Error>", { status: 404 })],
] as const)(
  "rows moved to an adjacent day that is %s count as lost: the bucket gets them again",
  async (name, answer) => {
    const [shape] = kinds as [StreamShape];
    const prefix = name.replaceAll(/\W/g, "-");
    const [quick, slow] = [await recorderOf(shape, after(5), dates), await recorderOf(shape, after(35), dates)];
    await upload(prefix, [quick, slow]);
    const [key = ""] = keysOf(dayOf(shape, dates[0] ?? ""), `${prefix}/`);
    const whole = await s3.client.file(key).bytes();
    const proxy = s3Proxy(s3.endpoint, {
      answer: ({ method, url }) => (method === "GET" && url.includes(key.slice(-30)) ? answer(whole) : null),
    });
    const keeping = keep(slow, { ...s3, endpoint: proxy.endpoint }, { "upload.prefix": prefix });
    const said = () => keeping.lines.some(({ fields }) => fields.reason === "rows moved to the adjacent day are gone");
    await until(said, "the loss to be told", 30_000);
    await keeping.stop();
    await proxy.stop();
  },
  60_000,
);
