import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { zstdDecompressSync } from "node:zlib";
import type { Day } from "../../../server/domain/day.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { rtData, start } from "../../support/program.ts";
import { archive, keep, keysOf, newDataDir, trades } from "../../support/upload/bucket.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";
import { s3Proxy } from "../../support/upload/s3-proxy.ts";
import { until } from "../../support/wait.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" };
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

let s3: S3;
beforeAll(async () => {
  s3 = await startFauxS3();
});
afterAll(() => s3.stop());

async function recorder(ids: readonly number[], lateUs: number): Promise<string> {
  const dataDir = newDataDir();
  await archive(dataDir, day, trades(day, ids, lateUs));
  return dataDir;
}

/** Ids in the bucket; throws if a manifest there names anything but the object beside it. */
async function stored(prefix: string): Promise<number[]> {
  const [object = "", manifest = ""] = keysOf(day, prefix);
  const keys = await s3.keys(prefix);
  const bytes = keys.includes(object) ? await s3.client.file(object).bytes() : null;
  if (keys.includes(manifest)) {
    const { compressed_sha256 } = (await s3.client.file(manifest).json()) as { compressed_sha256: string };
    const sha256 = bytes === null ? "nothing" : new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    if (sha256 !== compressed_sha256)
      throw new Error(`the manifest names ${compressed_sha256}, and ${sha256} is there`);
  }
  if (bytes === null) return [];
  return [
    ...zstdDecompressSync(bytes)
      .toString()
      .matchAll(/"a":(\d+)/g),
  ].map((match) => Number(match[1]));
}

/** Every fourth step, with a different first step in each run of the suite. */
const first = 1 + Math.floor(Math.random() * 4);

type Way = { readonly name: string; readonly before: readonly number[] | null; readonly again: readonly number[] };

/** A first upload; a union with another recorder's; a day that was merged again. */
const ways: readonly Way[] = [
  { name: "new", before: null, again: [] },
  { name: "united", before: range(150, 400), again: [] },
  { name: "merged-again", before: null, again: range(300, 310) },
];

describe("killed at each request, before or after the store has done it, a recorder continues at its next start", () => {
  test.each(ways.map((way) => [way.name, way] as const))(
    "%s",
    async (name, { before, again }) => {
      for (const when of ["before", "after"] as const) {
        for (let step = when === "before" ? first : first + 2, isOver = false; !isOver; step += 4) {
          const prefix = `${name}-${when}-${step}`;
          const at = { "upload.prefix": prefix };
          const dataDir = await recorder(range(0, 200), 0);
          if (before !== null) {
            const other = keep(await recorder(before, 7), s3, at);
            await other.settled();
            await other.stop();
          }
          let left = Number.POSITIVE_INFINITY;
          const cut = Promise.withResolvers<void>();
          const proxy = s3Proxy(s3.endpoint, {
            conditions: true,
            async hold(_, moment) {
              if (moment === when) left--;
              if (left > 0) return;
              cut.resolve();
              await new Promise(() => {});
            },
          });
          const through = { ...s3, endpoint: proxy.endpoint };
          if (again.length > 0) {
            const earlier = keep(dataDir, through, at);
            await earlier.settled();
            await earlier.stop();
            await archive(dataDir, day, trades(day, again, 0), "12-00");
          }
          left = step;
          const killed = keep(dataDir, through, at);
          isOver =
            (await Promise.race([
              cut.promise,
              killed.settled().then(
                () => "over",
                () => "over",
              ),
            ])) === "over";
          const known = new Set([...(before ?? []), ...(again.length > 0 ? range(0, 200) : [])]);
          const there = new Set(await stored(`${prefix}/`));
          expect([step, [...known].filter((id) => !there.has(id))]).toEqual([step, []]);
          await killed.stop();
          left = Number.POSITIVE_INFINITY;
          const next = keep(dataDir, through, at);
          const all = [...new Set([...range(0, 200), ...(before ?? []), ...again])].sort((a, b) => a - b);
          // Between two looks of this test the recorder may be between two steps.
          const isRight = async () => String(await stored(`${prefix}/`).catch(() => [])) === String(all);
          await until(isRight, `step ${step}: all rows to be there`, 30_000);
          await next.settled(0);
          await next.stop();
          await proxy.stop();
          expect([step, await stored(`${prefix}/`)]).toEqual([step, all]);
          expect(await s3.keys(`${prefix}/`)).toEqual(keysOf(day, `${prefix}/`));
        }
      }
    },
    240_000,
  );
});

test("`kill -9` of the program between the removal of a manifest and the new object: the next start restores both", async () => {
  const exchange = createSimulatedExchange(
    {},
    { source: createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 1 }), log: silentLog },
  );
  const { wsUrl, restUrl } = await exchange.start();
  const other = keep(await recorder(range(150, 400), 7), s3, { "upload.prefix": "nine" });
  await other.settled();
  await other.stop();
  const dataDir = await recorder(range(0, 200), 0);
  let isHeld = true;
  const held = Promise.withResolvers<void>();
  const proxy = s3Proxy(s3.endpoint, {
    async hold({ method, url }, when) {
      if (!isHeld || method !== "PUT" || when !== "before" || !url.endsWith(".jsonl.zst")) return;
      held.resolve();
      await new Promise(() => {});
    },
  });
  const record = () =>
    start([...rtData, "record", "--port", "0", "--data-dir", dataDir, "--symbols", "BTCUSDT"], {
      env: {
        ...{ RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl, RT_DATA_UPLOAD_PREFIX: "nine" },
        ...{ RT_DATA_UPLOAD_ENDPOINT: proxy.endpoint, RT_DATA_UPLOAD_BUCKET: s3.bucket },
        ...{ RT_DATA_UPLOAD_ACCESS_KEY: "any", RT_DATA_UPLOAD_SECRET_KEY: "any" },
      },
    });
  const killed = record();
  await held.promise;
  expect(await s3.keys("nine/")).toEqual(keysOf(day, "nine/").slice(0, 1));
  killed.kill("SIGKILL");
  await killed.ended;
  expect(await stored("nine/")).toEqual(range(150, 400));
  isHeld = false;
  const program = record();
  await until(() => program.errors().includes("combined an archive"), "the union", 30_000);
  program.kill("SIGTERM");
  await program.ended;
  await exchange.stop();
  await proxy.stop();
  expect(await stored("nine/")).toEqual(range(0, 400));
}, 60_000);

test("a day that is merged again during its upload is uploaded in its old state, then in its new state", async () => {
  const dataDir = await recorder(range(0, 200), 0);
  let isHeld = true;
  const [held, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const proxy = s3Proxy(s3.endpoint, {
    async hold({ method, url }, when) {
      if (!isHeld || method !== "HEAD" || when !== "after" || !url.includes(day.date)) return;
      isHeld = false;
      held.resolve();
      await go.promise;
    },
  });
  const keeping = keep(dataDir, { ...s3, endpoint: proxy.endpoint }, { "upload.prefix": "merging" });
  await held.promise;
  await archive(dataDir, day, trades(day, range(200, 300), 0), "12-00");
  keeping.onArchived(day);
  go.resolve();
  await keeping.settled();
  await until(async () => (await stored("merging/")).length === 300, "all rows to be there");
  await keeping.settled();
  await keeping.stop();
  await proxy.stop();
  expect(await stored("merging/")).toEqual(range(0, 300));
  expect(keeping.lines.filter(({ level }) => level === "error")).toEqual([]);
});
