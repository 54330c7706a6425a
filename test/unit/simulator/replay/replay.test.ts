import { afterEach, expect, test } from "bun:test";
import { appendFileSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { archivePath, type Day } from "../../../../server/domain/day.ts";
import type { Gap } from "../../../../server/domain/gap.ts";
import { createLog, silentLog } from "../../../../server/platform/log/log.ts";
import { createReplayControl } from "../../../../server/simulator/control/replay-control.ts";
import { createReplaySource, type RecordingOptions } from "../../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { connect, connectPaused } from "../../../support/simulator/client.ts";
import {
  at,
  book,
  diff,
  linesOf,
  type Row,
  rows,
  trade,
  write,
  writeArchive,
  writeSegments,
} from "../../../support/simulator/recorded-folder.ts";
import { until } from "../../../support/wait.ts";

const stops: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A replay on a port, with its control and its log. */
async function serve(
  options: Partial<RecordingOptions> & { path: string },
  gapsOf: (day: Day) => readonly Gap[] | null = () => null,
) {
  const logged: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => logged.push(line));
  const source = createReplaySource({ speed: "max", loop: false, ...options }, { log, gapsOf });
  const patient = { maxBufferedBytes: Number.POSITIVE_INFINITY };
  const route = createReplayControl(source, () => ({ clients: exchange.stats().connections, sent: 0 }));
  const exchange = createSimulatedExchange(patient, { source, route, log: silentLog });
  stops.push(exchange.stop);
  const { port, wsUrl, restUrl } = await exchange.start();
  const control = async (path: string, method = "POST") => {
    const response = await fetch(`${restUrl}/replay${path}`, { method });
    return { status: response.status, body: await response.json() };
  };
  return { source, exchange, port, wsUrl, restUrl, control, logged };
}

/** Everything that a combined socket receives of these streams. */
async function receive(replay: Awaited<ReturnType<typeof serve>>, streams: string) {
  const client = await connect(`${replay.wsUrl}/stream?streams=${streams}`);
  expect((await replay.source.ended).outcome).toBe("complete");
  await until(() => client.received.length >= replay.source.played(), "the last message");
  return client.received.map((text) => JSON.parse(text) as { stream: string; data: Record<string, unknown> });
}

const bookStream = "btcusdt@depth20@100ms";
const tradeStream = "btcusdt@aggTrade";

test("a range begins with its first moment and ends before its last; other symbols and streams are left out", async () => {
  const folder = temporaryFolder();
  writeSegments(folder, "depth20", rows(at("15:00:00"), 600, 1000, book), "sealed");
  writeSegments(folder, "aggTrade", rows(at("15:00:00"), 600, 1000, trade));
  writeSegments(folder, "depth20", rows(at("15:00:00"), 600, 1000, book), "open", "ETHUSDT");
  const range = { fromUs: at("15:04:30"), toUs: at("15:06:00") };
  const replay = await serve({ path: folder, range, symbols: ["BTCUSDT"], streams: ["depth20@100ms"] });
  const received = await receive(replay, `${bookStream}/${tradeStream}/ethusdt@depth20@100ms`);
  expect(received.map(({ data }) => data.lastUpdateId)).toEqual(Array.from({ length: 90 }, (_, n) => 270 + n));
});

test("a range without messages is refused, and the error lists the recorded range, symbols and streams", async () => {
  const folder = temporaryFolder();
  writeSegments(folder, "depth20", rows(at("15:00:00"), 60, 1000, book));
  const refused = (options: object) =>
    serve({ path: folder, ...options }).then(
      () => "",
      (error) => error.message,
    );
  const there = "It holds messages from 2026-11-22T15:00:00.000Z to 2026-11-22T15:00:59.000Z: BTCUSDT (depth20@100ms)";
  for (const options of [
    { range: { fromUs: at("16:00:00"), toUs: null } },
    { range: { fromUs: null, toUs: at("15:00:00") } },
    { symbols: ["ETHUSDT"] },
    { streams: ["trade"] },
  ]) {
    expect(await refused(options)).toContain(there);
  }
});

test("a recorded depth stream is served under the names of both speeds, since its folder does not say which it was", async () => {
  const folder = temporaryFolder();
  writeSegments(folder, "depth20", rows(at("15:00:00"), 5, 1000, book));
  const received = await receive(await serve({ path: folder }), "btcusdt@depth20");
  expect(received.map(({ stream, data }) => `${stream} ${data.lastUpdateId}`)).toEqual(
    [0, 1, 2, 3, 4].map((id) => `btcusdt@depth20 ${id}`),
  );
});

test("recorded facts about a symbol are answered over REST as the exchange sent them, and never played", async () => {
  const folder = temporaryFolder();
  const entry = `{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[{"tickSize":"0.07"}]}`;
  writeSegments(folder, "depth20", rows(at("15:00:00"), 5, 1000, book));
  writeSegments(
    folder,
    "exchangeInfo",
    rows(at("14:00:00"), 2, 7_200_000, () => entry),
  );
  const replay = await serve({ path: folder });
  const answer = await (await fetch(`${replay.restUrl}/api/v3/exchangeInfo`)).json();
  expect(JSON.stringify(answer.symbols)).toBe(`[${entry}]`);
  const received = await receive(replay, `${bookStream}/btcusdt@exchangeInfo`);
  expect(received.map(({ stream }) => stream)).toEqual(Array.from({ length: 5 }, () => bookStream));
  expect(replay.source.playReport().fromUs).toBe(at("15:00:00"));
});

test("torn and missing days: every whole line is played once and in order, a torn last line is not sent", async () => {
  const folder = temporaryFolder();
  const first = rows(at("10:00:00", "2026-11-19"), 50, 1000, book);
  const third = rows(at("10:00:00", "2026-11-21"), 50, 1000, (n) => book(n + 50));
  const late = rows(at("10:00:00.5", "2026-11-21"), 50, 1000, (n) => book(n + 1000));
  const today = rows(at("10:00:00"), 50, 1000, (n) => book(n + 100));
  writeArchive(folder, "depth20", first);
  writeArchive(folder, "depth20", third, { segments: ["10-05"] });
  // A segment left over from the merge, and a segment sealed after it.
  write(join(folder, "live/stream=depth20/symbol=BTCUSDT/date=2026-11-21/10-05.jsonl"), linesOf(third));
  writeSegments(folder, "depth20", late);
  const [open = ""] = writeSegments(folder, "depth20", today);
  appendFileSync(open, linesOf([[at("10:01:00"), book(999)]]).slice(0, -20));
  write(join(folder, "quarantine/stream=depth20/symbol=BTCUSDT/date=2026-11-21/10-10.jsonl"), linesOf(third));
  const replay = await serve({ path: folder });
  const ids = (await receive(replay, bookStream)).map(({ data }) => data.lastUpdateId);
  const expected = [...first, ...[...third, ...late].sort((a, b) => a[0] - b[0]), ...today];
  expect(ids).toEqual(expected.map(([, payload]) => JSON.parse(payload).lastUpdateId));
  expect(replay.source.flaws().damaged).toEqual([]);
});

test("files that cannot be read are named once, the rest is played", async () => {
  const folder = temporaryFolder();
  const sealed = writeSegments(folder, "depth20", rows(at("10:00:00"), 900, 1000, book), "sealed");
  const open = writeSegments(folder, "aggTrade", rows(at("10:00:00"), 600, 1000, trade));
  const [, cut = "", noise = ""] = sealed;
  truncateSync(cut, readFileSync(cut).length - 10);
  write(noise, "this is no zstd");
  const garbled = readFileSync(open[0] ?? "", "utf8").split("\n");
  garbled[7] = '{"recv_us":what?';
  write(open[0] ?? "", garbled.join("\n"));
  const replay = await serve({ path: folder });
  const received = await receive(replay, `${bookStream}/${tradeStream}`);
  expect(replay.source.flaws().damaged.toSorted()).toEqual([open[0] ?? "", cut, noise].toSorted());
  for (const path of [open[0] ?? "", cut, noise]) {
    expect(
      replay.logged.filter((line) => line.includes(path) && line.includes("cannot play the whole file")),
    ).toHaveLength(1);
  }
  expect(received.filter(({ stream }) => stream === tradeStream)).toHaveLength(599);
  expect(received.filter(({ data }) => Number(data.lastUpdateId) < 300)).toHaveLength(300);
});

test("while it is played, a recorder may seal a segment and merge the day: every record is played exactly once", async () => {
  const folder = temporaryFolder();
  const all = rows(at("15:00:00"), 1800, 500, book);
  const paths = writeSegments(folder, "depth20", all);
  const replay = await serve({ path: folder, speed: 200 });
  const client = await connect(`${replay.wsUrl}/stream?streams=${bookStream}`);
  await until(() => client.received.length > 100, "some messages");
  write(`${paths[1]}.zst`, zstdCompressSync(readFileSync(paths[1] ?? "")));
  rmSync(paths[1] ?? "");
  appendFileSync(paths[2] ?? "", linesOf([[at("15:15:30"), book(5000)]]));
  await until(() => client.received.length > 700, "the sealed segment to be played", 30_000);
  const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-22" };
  write(archivePath(folder, day), zstdCompressSync(linesOf(all)));
  rmSync(join(folder, "live"), { recursive: true });
  replay.source.setSpeed("max");
  expect(await replay.source.ended).toEqual({ outcome: "complete", messages: 1800 });
  await until(() => client.received.length === 1800, "the last message");
  expect(client.received.map((text) => JSON.parse(text).data.lastUpdateId)).toEqual(all.map((_, n) => n));
  expect(replay.source.flaws().damaged).toEqual([]);
}, 60_000);

test("pause, seek in both directions, speed: over HTTP, and each mistake is answered with the accepted values", async () => {
  const folder = temporaryFolder();
  writeSegments(folder, "depth20", rows(at("15:00:00"), 3600, 1000, book));
  const replay = await serve({ path: folder, speed: 1, time: "original" });
  const { control } = replay;
  expect((await control("", "GET")).body).toMatchObject({
    state: "waiting",
    position: "2026-11-22T15:00:00.000Z",
    progress: 0,
    speed: 1,
    clients: 0,
    messages: 0,
  });
  const client = await connect(`${replay.wsUrl}/ws/${bookStream}`);
  const next = async () => JSON.parse(await client.next("a message")).lastUpdateId as number;
  expect(await next()).toBe(0);
  expect((await control("/pause")).body).toMatchObject({ state: "paused", paused: true });
  const paused = client.received.length;
  expect((await control("/seek?to=2026-11-22T15:30")).body).toMatchObject({
    position: "2026-11-22T15:30:00.000Z",
    progress: expect.closeTo(0.5, 2),
  });
  const { serverTime } = (await (await fetch(`${replay.restUrl}/api/v3/time`)).json()) as { serverTime: number };
  expect(serverTime * 1000).toBe(at("15:30:00"));
  expect(client.received).toHaveLength(paused);
  expect((await control("/resume")).body).toMatchObject({ state: "playing", paused: false });
  expect(await next()).toBe(1800);
  await control("/seek?to=2026-11-22T16:10:00%2B01:00");
  expect(await next()).toBe(600);
  expect((await control("/speed?value=1000")).body.speed).toBe(1000);
  for (let id = 601; id < 700; id++) expect(await next()).toBe(id);
  expect((await control("/seek?to=soon")).body.error).toMatchObject({
    code: "bad_time",
    message: expect.stringContaining("2026-11-22T15:04"),
  });
  expect((await control("/seek?to=2026-11-23")).body.error.message).toContain(
    "from 2026-11-22T15:00:00.000Z up to 2026-11-22T15:59:59",
  );
  expect(await control("/speed?value=fast")).toMatchObject({ status: 400, body: { error: { code: "bad_speed" } } });
  expect(await control("/rewind")).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  expect(await control("/pause", "GET")).toMatchObject({ status: 405 });
  const foreign = { method: "POST", headers: { origin: "https://example.org" } };
  expect((await fetch(`${replay.restUrl}/replay/pause`, foreign)).status).toBe(403);
  await control("/speed?value=max");
  expect((await replay.source.ended).outcome).toBe("complete");
  expect((await control("/seek?to=2026-11-22T15:30")).body.error.code).toBe("ended");
  expect((await control("", "GET")).body).toMatchObject({ state: "ended", progress: 1 });
});

const gap = (from: number, to: number, cause: Gap["cause"], stream = "depth20"): Gap => ({
  ...{ stream, symbol: "BTCUSDT", from_us: from, to_us: to, cause, missing: null, repaired: 0 },
});

/** Gaps of a gap list, as the catalogue tells them. */
const gapList =
  (...gaps: Gap[]) =>
  ({ stream, date }: Day) =>
    gaps.filter((of) => of.stream === stream && new Date(of.from_us / 1000).toISOString().startsWith(date));

test("gaps are sent where they are in the order, to combined sockets of the stream they concern, and time skips them", async () => {
  const folder = temporaryFolder();
  const [from, to] = [at("15:00:10"), at("15:03:00")];
  writeSegments(folder, "depth20", [
    ...rows(at("15:00:00"), 11, 1000, book),
    ...rows(to, 5, 1000, (n) => book(n + 100)),
  ]);
  writeSegments(folder, "aggTrade", [
    ...rows(at("15:00:00.2"), 10, 1000, trade),
    ...rows(to + 200_000, 5, 1000, trade),
  ]);
  const replay = await serve({ path: folder, gaps: true, speed: 100 }, gapList(gap(from, to, "reconnect")));
  const combined = await connect(`${replay.wsUrl}/stream?streams=${bookStream}`);
  const raw = await connect(`${replay.wsUrl}/ws/${bookStream}`);
  const other = await connect(`${replay.wsUrl}/stream?streams=${tradeStream}`);
  expect((await replay.source.ended).outcome).toBe("complete");
  await until(() => combined.received.length === 17, "the books and the gap");
  expect(JSON.parse(combined.received[11] ?? "")).toEqual({
    stream: "!gap",
    data: { e: "gap", stream: "depth20", symbol: "BTCUSDT", from_us: from, to_us: to, cause: "reconnect" },
  });
  expect(JSON.parse(combined.received[12] ?? "").data.lastUpdateId).toBe(100);
  expect(
    [...raw.received, ...other.received].filter((text) => text.includes("!gap") || text.includes('"gap"')),
  ).toEqual([]);
  expect(replay.source.flaws().gaps).toBe(1);
  expect(replay.logged.filter((line) => line.includes("skipping a gap"))).toHaveLength(1);
});

test("without --gaps they are counted; a day without files or gap list is a gap that is computed", async () => {
  const folder = temporaryFolder();
  const [before, after] = [at("23:59:50", "2026-11-19"), at("00:00:00", "2026-11-21")];
  const manifestGap = { from_us: at("23:59:59", "2026-11-19"), to_us: at("00:00:00", "2026-11-20"), cause: "restart" };
  writeArchive(folder, "depth20", rows(before, 10, 1000, book), { gaps: [manifestGap] });
  writeArchive(folder, "depth20", rows(after, 10, 1000, book));
  const silent = await serve({ path: folder });
  expect((await receive(silent, bookStream)).filter(({ stream }) => stream === "!gap")).toEqual([]);
  expect(silent.source.flaws().gaps).toBe(2);
  const told = (await receive(await serve({ path: folder, gaps: true }), bookStream)).filter(
    ({ stream }) => stream === "!gap",
  );
  expect(told.map(({ data }) => [data.from_us, data.to_us, data.cause])).toEqual([
    [manifestGap.from_us, manifestGap.to_us, "restart"],
    [at("00:00:00", "2026-11-20"), at("00:00:00", "2026-11-21"), "unknown"],
  ]);
});

test("a silence that is no gap is waited for, and with keepPauses a gap too", async () => {
  const folder = temporaryFolder();
  const content: Row[] = [...rows(at("15:00:00"), 2, 1000, book), ...rows(at("15:04:00"), 2, 1000, book)];
  writeSegments(folder, "depth20", content);
  const list = gapList(gap(at("15:00:01"), at("15:04:00"), "crash"));
  for (const [name, options, gapsOf] of [
    ["no gap", {}, gapList()],
    ["kept", { keepPauses: true }, list],
  ] as const) {
    const replay = await serve({ path: folder, speed: 1, ...options }, gapsOf);
    const client = await connect(`${replay.wsUrl}/ws/${bookStream}`);
    await until(() => client.received.length === 2, `the messages before the silence (${name})`);
    await replay.control("/seek?to=2026-11-22T15:00:01");
    await until(() => client.received.length === 3, `the last message before the silence once more (${name})`);
    replay.source.setSpeed(1000);
    const asked = performance.now();
    await until(() => client.received.length === 5, `the messages after the silence (${name})`);
    expect(performance.now() - asked).toBeGreaterThan(200);
    expect(replay.logged.filter((line) => line.includes("skipping a gap"))).toEqual([]);
  }
}, 60_000);

test("a slow reader slows the replay down at any speed, gets every record and is not cut", async () => {
  const folder = temporaryFolder();
  const filler = "1".repeat(2000);
  const wide = (id: number) => `{"lastUpdateId":${id},"bids":[["10.00000000","${filler}"]],"asks":[]}`;
  writeSegments(folder, "depth20", rows(at("15:00:00"), 12_000, 10, wide));
  const replay = await serve({ path: folder, speed: 100 });
  const slow = await connectPaused(replay.port, `/ws/${bookStream}`);
  await until(() => replay.exchange.stats().bufferedBytes > 1024 * 1024, "the reader to be behind", 30_000);
  const held = replay.source.played();
  const { body } = await replay.control("", "GET");
  await until(
    async () => (await replay.control("", "GET")).body.position_us === body.position_us,
    "time to stand still",
  );
  expect(replay.source.played()).toBe(held);
  expect(held).toBeLessThan(12_000);
  slow.resume();
  expect(await replay.source.ended).toEqual({ outcome: "complete", messages: 12_000 });
  const bytes = Array.from({ length: 12_000 }, (_, id) => wide(id).length + 4).reduce((sum, length) => sum + length);
  await until(() => slow.received() >= bytes, "the last bytes");
  expect(replay.exchange.stats()).toMatchObject({ slowClosed: 0, connections: 1 });
}, 60_000);

test("with shifted time all event times move by the same amount, so that the replay seems live; the rest stays", async () => {
  const folder = temporaryFolder();
  const content = rows(at("15:00:00"), 20, 50, (n, us) => trade(n, us / 1000 - 7));
  writeSegments(folder, "aggTrade", content);
  writeSegments(folder, "depth20", rows(at("15:00:00"), 20, 50, book));
  const replay = await serve({ path: folder, speed: 1, time: "shifted" });
  const began = Date.now();
  const client = await connect(`${replay.wsUrl}/ws/${tradeStream}/${bookStream}`);
  await until(() => client.received.length === 40, "all messages");
  const trades = client.received.map((text) => JSON.parse(text)).filter(({ e }) => e === "aggTrade");
  const moved = trades[0].E - JSON.parse(content[0]?.[1] ?? "").E;
  expect(client.received.filter((text) => text.includes("aggTrade"))).toEqual(
    content.map(([, payload]) =>
      payload.replace(/"([ET])":(\d+)/g, (_, name, ms) => `"${name}":${Number(ms) + moved}`),
    ),
  );
  expect(trades[0].E).toBeGreaterThanOrEqual(began - 8);
  expect(trades[19].E).toBeLessThanOrEqual(Date.now() - 6);
  expect(client.received.filter((text) => text.includes("lastUpdateId"))).toEqual(
    rows(0, 20, 1, book).map(([, text]) => text),
  );
  const { serverTime } = (await (await fetch(`${replay.restUrl}/api/v3/time`)).json()) as { serverTime: number };
  expect(Math.abs(serverTime - Date.now())).toBeLessThan(1000);
});

test("a recording with both units is sent as it is, or in the unit that the client asks for, over sockets and REST", async () => {
  const folder = temporaryFolder();
  const both = (n: number, us: number) => {
    const payload = trade(n, us / 1000 - 7);
    return n % 2 === 0 ? payload : payload.replace(/"([ET])":(\d{13})/g, '"$1":$2456');
  };
  const content = rows(at("15:00:00"), 20, 50, both);
  writeSegments(folder, "aggTrade", content);
  const received = async (query: string) => {
    const replay = await serve({ path: folder });
    const client = await connect(`${replay.wsUrl}/stream?streams=${tradeStream}${query}`);
    await until(() => client.received.length === 20, "all messages");
    return { replay, data: client.received.map((text) => text.slice(text.indexOf('"data":') + 7, -1)) };
  };
  const { replay, data } = await received("");
  expect(data).toEqual(content.map(([, payload]) => payload));
  const ms = data.map((payload) => payload.replace(/(\d{13})\d{3}(?=,)/g, "$1"));
  expect((await received("&timeUnit=millisecond")).data).toEqual(ms);
  expect((await received("&timeUnit=MICROSECOND")).data).toEqual(
    data.map((payload) => payload.replace(/"([ET])":(\d{13})(?=,)/g, '"$1":$2000')),
  );
  const times = async (unit?: string) => {
    const headers: Record<string, string> = unit === undefined ? {} : { "X-MBX-TIME-UNIT": unit };
    const answer = await fetch(`${replay.restUrl}/api/v3/aggTrades?symbol=BTCUSDT`, { headers });
    return ((await answer.json()) as { T: number }[]).map(({ T }) => T);
  };
  expect((await times()).map((time) => String(time).length)).toEqual(content.map((_, n) => (n % 2 === 0 ? 13 : 16)));
  expect(await times("MILLISECOND")).toEqual(ms.map((payload) => JSON.parse(payload).T));
  expect((await times("MICROSECOND")).every((time) => time > 1e15)).toBe(true);
});

test("REST depth is the newest recorded book at or before the position, carried on by the diffs, after a seek as well", async () => {
  const folder = temporaryFolder();
  const snapshot = (id: number) =>
    `{"lastUpdateId":${id},"bids":[["9.00000000","${id}.00000000"]],"asks":[["12.00000000","1.00000000"]]}`;
  writeSegments(folder, "depthSnapshot", [
    [at("15:00:00"), snapshot(1000)],
    [at("15:30:00"), snapshot(2800)],
  ]);
  writeSegments(
    folder,
    "depth",
    rows(at("15:00:00"), 3600, 1000, (n, us) => diff(n + 1000, us / 1000)),
  );
  const replay = await serve({ path: folder, speed: 1 });
  const depth = async () => (await fetch(`${replay.restUrl}/api/v3/depth?symbol=BTCUSDT`)).json();
  const client = await connect(`${replay.wsUrl}/ws/btcusdt@depth@100ms`);
  const ask = async (to: string) => {
    client.received.length = 0;
    await replay.control(`/seek?to=${to}`);
    await until(() => client.received.length > 0, "a diff");
    await replay.control("/pause");
    const last = JSON.parse(client.received.at(-1) ?? "").u;
    const answer = await depth();
    await replay.control("/resume");
    return { last, answer };
  };
  for (const [to, level] of [
    ["2026-11-22T15:45:00", 2800],
    ["2026-11-22T15:10:00", 1000],
  ] as const) {
    const { last, answer } = await ask(to);
    expect(answer).toEqual({
      lastUpdateId: last,
      bids: [
        ["11.00000000", `${last}.00000000`],
        ["9.00000000", `${level}.00000000`],
      ],
      asks: [["12.00000000", "1.00000000"]],
    });
  }
});
