import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Day } from "../../../server/domain/day.ts";
import type { ArchiveDates, ArchiveSummary, History } from "../../../server/domain/queries.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rawGet, serve } from "../../support/http/serving.ts";

const content = Array.from({ length: 5000 }, (_, n) => `line ${n}\n`).join("");
const none = { stream: null, symbol: null, date: null };
const file = "/api/archives/depth20/BTCUSDT/2026-11-21/file";
let site: Awaited<ReturnType<typeof serve>>;
let asked: Parameters<History["gaps"]>[] = [];
let todays = 0;
let verify: ReturnType<History["verify"]> = "started";
const booksAsked: Parameters<History["bookAt"]>[0][] = [];
let bookAnswer: "busy" | "failed" | null = null;

beforeAll(async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "archive"), content);
  const past = fakeHistory(3);
  site = await serve({
    history: {
      ...past,
      gaps: (...question) => {
        asked.push(question);
        return past.gaps(...question);
      },
      today: () => {
        todays++;
        return past.today();
      },
      archive: (day) => ({ ...day, sha256: "abc123" }) as ReturnType<History["archive"]>,
      files: ({ date }) => ({
        archive: join(folder, date === "2026-11-21" ? "archive" : "none"),
        manifest: join(folder, "none"),
      }),
      verify: () => verify,
      bookAt: async (request) => {
        booksAsked.push(request);
        return bookAnswer ?? (await past.bookAt(request));
      },
    },
  });
});
afterAll(() => site.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(site.url + path, { headers });
async function code(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  return `${answer.status} ${error.code}: ${error.message}`;
}

test("an archive can be had in whole, in any range, and not at all while it has not changed", async () => {
  const whole = await get(file);
  expect([whole.status, await whole.text()]).toEqual([200, content]);
  expect(whole.headers.get("etag")).toBe('"abc123"');
  expect(whole.headers.get("content-disposition")).toContain("attachment");
  const size = content.length;
  const cases: [range: string, status: number, from: number, to: number][] = [
    ["bytes=0-0", 206, 0, 1],
    ["bytes=100-199", 206, 100, 200],
    [`bytes=${size - 5}-`, 206, size - 5, size],
    ["bytes=-7", 206, size - 7, size],
    ["bytes=-99999999", 206, 0, size],
    [`bytes=10-${size + 99}`, 206, 10, size],
    ["bytes=5-2", 200, 0, size],
    ["bytes=0-1,5-6", 200, 0, size],
    ["lines=0-1", 200, 0, size],
  ];
  for (const [range, status, from, to] of cases) {
    const part = await get(file, { range });
    expect([range, part.status, await part.text()]).toEqual([range, status, content.slice(from, to)]);
    if (status === 206) expect(part.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${size}`);
  }
  const beyond = await get(file, { range: `bytes=${size}-` });
  expect(beyond.headers.get("content-range")).toBe(`bytes */${size}`);
  expect(await code(beyond)).toStartWith("416 range_not_satisfiable");
  expect((await get(file, { "if-none-match": '"abc123"' })).status).toBe(304);
  expect((await get(file, { "if-none-match": '"other", W/"abc123"' })).status).toBe(304);
  expect((await get(file, { range: "bytes=0-3", "if-range": '"abc123"' })).status).toBe(206);
  expect((await get(file, { range: "bytes=0-3", "if-range": '"older"' })).status).toBe(200);
  const head = await fetch(site.url + file, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, String(size), ""]);
});

test("no path leads to another file than an archive or a manifest", async () => {
  for (const path of [
    "/api/archives/depth20/..%2f..%2fsecret/2026-11-21/file",
    "/api/archives/..%2f..%2f/BTCUSDT/2026-11-21/file",
    "/api/archives/depth20/BTCUSDT/..%2f2026-11-21/file",
    "/api/archives/depth20/BTCUSDT/2026-13-41/file",
    "/api/archives/depth20/BTC%00USDT/2026-11-21/file",
    "/api/archives/depth20/BTCUSDT/2026-11-21/secret.txt",
    "/api/archives/../../secret.txt",
  ]) {
    const { status, body } = await rawGet(site.port, path);
    expect([path, status === 400 || status === 404, body.includes("not for you")]).toEqual([path, true, false]);
  }
  expect(await code(await get("/api/archives/depth20/BTCUSDT/2026-11-20/file"))).toStartWith("404 no_archive");
});

test("filters of gaps are accepted in any case and with times; other values are refused with the accepted values", async () => {
  asked = [];
  await get("/api/gaps?symbol=btcusdt&stream=depth20&cause=disk&from=2026-11-21&to=2026-11-22T12:00Z&limit=7&after=3");
  expect(asked).toEqual([
    [{ stream: "depth20", symbol: "BTCUSDT", cause: "disk", fromUs: 1795219200000000, toUs: 1795348800000000 }, 7, "3"],
  ]);
  for (const [query, hint] of [
    ["symbol=../etc", "BTCUSDT"],
    ["stream=depth99", "depth20"],
    ["cause=bad", "reconnect"],
    ["from=yesterday", "2026-11-22"],
    ["limit=1001", "1 to 1000"],
    ["limit=0", "1 to 1000"],
  ]) {
    expect(await code(await get(`/api/gaps?${query}`))).toMatch(new RegExp(`^400 bad_request: .*${hint}`));
  }
  for (const query of ["from=2026-11-02&to=2026-11-01", "from=2026-01-01&to=2026-11-01", "from=2026-02-30"])
    expect(await code(await get(`/api/coverage?${query}`))).toStartWith("400 bad_request");
  expect(await code(await get("/api/series?span=year"))).toStartWith("400 bad_request");
  expect(await code(await get("/api/coverage/depth20/NOPEUSDT/2026-11-21"))).toStartWith("404 no_day");
});

test("today's coverage is worked out once, however many ask", async () => {
  todays = 0;
  const answers = await Promise.all(Array.from({ length: 20 }, async () => (await get("/api/coverage/today")).json()));
  expect((answers[0] as { days: unknown[] }).days).toHaveLength(6);
  expect(todays).toBe(1);
});

test("a check is started by POST from the page itself, one at a time", async () => {
  const start = (headers: Record<string, string> = {}) =>
    fetch(`${site.url}/api/verify/depth20/BTCUSDT/2026-11-21`, { method: "POST", headers });
  expect((await start({ "sec-fetch-site": "same-origin" })).status).toBe(202);
  expect(await code(await start({ "sec-fetch-site": "cross-site" }))).toStartWith("403 cross_site");
  verify = "busy";
  expect(await code(await start())).toStartWith("409 verify_running");
  verify = "no_archive";
  expect(await code(await start())).toStartWith("404 no_archive");
  expect(await (await get("/api/verify")).json()).toMatchObject({ kind: "idle" });
});

test("the API describes every route of itself, and loads no foreign resources", async () => {
  const answer = await get("/openapi");
  const spec = (await answer.json()) as {
    openapi: string;
    paths: Record<string, Record<string, { summary?: string }>>;
  };
  expect(spec.openapi).toStartWith("3.");
  expect(Object.keys(spec.paths)).toContain("/api/archives/{stream}/{symbol}/{date}/file");
  for (const [path, methods] of Object.entries(spec.paths))
    for (const one of Object.values(methods)) expect([path, (one.summary ?? "").length > 10]).toEqual([path, true]);
});

test("a day is one tar file, which the system's own tar unpacks into the folders of the data folder", async () => {
  const folder = temporaryFolder();
  const day = { stream: "depthSnapshot", symbol: "1000000LONGNAMEUSDT", date: "2026-11-21" };
  const other = { ...day, stream: "aggTrade", symbol: "BTCUSDT" };
  const past = fakeHistory(1);
  const paths = (one: Day) => ({
    archive: join(folder, `${one.stream}.zst`),
    manifest: join(folder, `${one.stream}.json`),
  });
  for (const one of [day, other]) {
    writeFileSync(paths(one).archive, one.stream.repeat(100_000));
    writeFileSync(paths(one).manifest, one.symbol);
  }
  const listed = [day, other].map((one) => ({ ...past.archives(none, 1, null).items[0], ...one }) as ArchiveSummary);
  const own = await serve({
    history: {
      ...past,
      files: paths,
      archives: ({ date }, _limit, after) =>
        date !== day.date
          ? { items: [], next: null }
          : { items: listed.slice(Number(after ?? 0)).slice(0, 1), next: after === null ? "1" : null },
    },
  });
  const answer = await fetch(`${own.url}/api/archives/days/2026-11-21/tar`);
  const tar = await answer.bytes();
  expect(answer.headers.get("content-disposition")).toContain("rt-data-2026-11-21.tar");
  writeFileSync(join(folder, "day.tar"), tar);
  mkdirSync(join(folder, "out"));
  expect(Bun.spawnSync(["tar", "-xf", join(folder, "day.tar"), "-C", join(folder, "out")]).exitCode).toBe(0);
  for (const one of [day, other]) {
    const target = join(folder, "out", `stream=${one.stream}/symbol=${one.symbol}/date=2026-11-21`);
    expect(readdirSync(target).sort()).toEqual([`${one.stream}.json`, `${one.stream}.zst`]);
    expect(readFileSync(join(target, `${one.stream}.zst`), "utf8")).toBe(one.stream.repeat(100_000));
  }
  expect(await code(await fetch(`${own.url}/api/archives/days/2026-11-20/tar`))).toStartWith("404 no_archive");
  expect((await fetch(`${own.url}/api/archives/days/yesterday/tar`)).status).toBe(400);
  await own.close();
});

test("archives come by day as well, with the sum over all days", async () => {
  const { items, next, total } = (await (await get("/api/archives/days?limit=2")).json()) as ArchiveDates;
  expect(items).toHaveLength(2);
  expect(next).not.toBeNull();
  expect(items[0]).toMatchObject({ files: 6, verified: 6 });
  expect(total).toMatchObject({ days: 45, files: 45 * 6 });
});

test("the book of an instant is asked for by symbol, time and depth; wrong values, a busy and a failing worker are said", async () => {
  const get = async (path: string) => {
    const answer = await fetch(`${site.url}/api/book/${path}`);
    return {
      status: answer.status,
      body: (await answer.json()) as { source?: string; error?: { code: string; message: string } },
    };
  };
  const at = "2026-11-21T15:00:00.000250Z";
  const { status, body } = await get(`btcusdt?at=${at}&depth=5`);
  expect([status, body.source]).toEqual([200, "depth"]);
  expect(booksAsked).toEqual([{ symbol: "BTCUSDT", atUs: Date.parse("2026-11-21T15:00:00Z") * 1000 + 250, depth: 5 }]);
  const refused = await Promise.all(
    ["BTCUSDT", "BTCUSDT?at=noon", `BTCUSDT?at=${at}&depth=5001`, `..%2F?at=${at}`].map(get),
  );
  expect(refused.map((answer) => answer.status)).toEqual([400, 400, 400, 400]);
  expect(refused[2]?.body.error?.message).toContain('depth "5001" is not accepted');
  for (const [answer, code] of [
    ["busy", 503],
    ["failed", 500],
  ] as const) {
    bookAnswer = answer;
    const said = await get(`BTCUSDT?at=${at}`);
    expect([said.status, said.body.error?.code]).toEqual([code, `book_${answer}`]);
  }
  bookAnswer = null;
});
