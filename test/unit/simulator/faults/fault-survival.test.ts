import { expect, test } from "bun:test";
import { join } from "node:path";
import { type App, createApp } from "../../../../server/app/app.ts";
import { openGapReader } from "../../../../server/catalogue/tables/gap-queries.ts";
import { dateOf } from "../../../../server/domain/day.ts";
import type { Gap } from "../../../../server/domain/gap.ts";
import type { Totals } from "../../../../server/domain/status.ts";
import { parseStreamName, parseStreamType } from "../../../../server/domain/stream.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import type { Fault } from "../../../../server/simulator/faults/fault.ts";
import { createFaults } from "../../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange, type SentFrame } from "../../../../server/simulator/simulated-exchange.ts";
import { appConfig } from "../../../support/app-config.ts";
import { readRecords } from "../../../support/data/read-data.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { parseFrame, type Seen, type Watcher, watch } from "../../../support/simulator/fault-bench.ts";
import { until } from "../../../support/wait.ts";

/** A fault lasts at least so long, unless it acts at once, ms. */
const atLeastMs = 200;
const symbols = ["BTCUSDT", "ETHUSDT"];
const types = ["depth20@100ms", "depth@100ms", "aggTrade", "bookTicker"];

/** A fault, and the condition for its end. */
type Trial = {
  readonly name: string;
  readonly fault: Fault;
  /** Frames, connections or requests that must have been hit (5). */
  readonly hits?: number;
  /** All connections are cut first, so that the fault meets the next handshakes. */
  readonly cut?: true;
  /** It hits the recorder's connection alone, and lasts until the recorder has given that up. */
  readonly untilReconnect?: true;
};

/** Over as soon as they have begun. */
const momentary = ["close", "reset", "shutdown", "odd-control", "id-back", "id-hole"];

/** After so long the recorder's next wait before a new attempt is the shortest again, µs. */
const establishedUs = 2_100_000;

/** The recorder loses its connection in this trial. */
function breaks({ fault, cut, untilReconnect }: Trial): boolean {
  const kinds = ["close", "reset", "shutdown", "silent-no-pings", "refused-port"];
  return cut === true || untilReconnect === true || kinds.includes(fault.kind);
}

/** What the plain client listens to; depth10 tells its connections from the recorder's. */
const watched = ["btcusdt@depth10@100ms", "btcusdt@depth20@100ms", "btcusdt@depth@100ms"];

const book = { symbol: "BTCUSDT" } as const;
const trials: Trial[] = [
  { name: "single silent symbol", fault: { kind: "silent", ...book } },
  { name: "single silent stream", fault: { kind: "silent", stream: "btcusdt@depth20@100ms" } },
  { name: "stall, then burst", fault: { kind: "stall" } },
  { name: "late by 300 ms", fault: { kind: "late", delay_ms: 300 } },
  { name: "duplicate", fault: { kind: "duplicate", every: 3 } },
  { name: "reorder", fault: { kind: "reorder", every: 3 } },
  { name: "drop", fault: { kind: "drop", every: 3 } },
  { name: "malformed JSON", fault: { kind: "malformed", every: 3 } },
  { name: "truncated JSON", fault: { kind: "truncated", every: 3 } },
  { name: "binary frame", fault: { kind: "binary", every: 3 } },
  { name: "oversized frame, 2 MB", fault: { kind: "oversized", times: 4, stream: "btcusdt@depth20@100ms" }, hits: 4 },
  { name: "empty side", fault: { kind: "empty-side" } },
  { name: "both sides empty", fault: { kind: "empty-side", side: "both" } },
  { name: "3 levels instead of 20", fault: { kind: "thin-book" } },
  { name: "new field in the payload", fault: { kind: "unknown-fields", every: 3 } },
  { name: "new field in the wrapper", fault: { kind: "unknown-fields", where: "wrapper", every: 3 } },
  { name: "bare payload", fault: { kind: "wrong-wrapper", every: 3 } },
  { name: "wrapper in another order", fault: { kind: "wrong-wrapper", form: "data-first", every: 3 } },
  { name: "symbol halted", fault: { kind: "symbol-status", ...book }, hits: 1 },
  { name: "odd control frames", fault: { kind: "odd-control" }, hits: 1 },
  { name: "/time an hour off", fault: { kind: "clock-offset", offset_ms: 3_600_000 }, hits: 1 },
  { name: "REST answers 503", fault: { kind: "rest-error" }, hits: 0 },
  { name: "silent, no pings", fault: { kind: "silent-no-pings" } },
  { name: "silent, pings go on, until given up", fault: { kind: "silent" }, untilReconnect: true },
  { name: "closed with 1008", fault: { kind: "close", code: 1008, reason: "Pong timeout" }, hits: 1 },
  { name: "TCP reset", fault: { kind: "reset" }, hits: 1 },
  { name: "serverShutdown, then closed", fault: { kind: "shutdown", lead_ms: 200 }, hits: 1, untilReconnect: true },
  { name: "HTTP 403 on connect", fault: { kind: "refuse-connect", status: 403 }, hits: 1, cut: true },
  { name: "HTTP 451 on connect", fault: { kind: "refuse-connect", status: 451 }, hits: 1, cut: true },
  { name: "HTTP 429 on connect", fault: { kind: "refuse-connect", status: 429 }, hits: 1, cut: true },
  { name: "HTTP 503 on connect", fault: { kind: "refuse-connect", status: 503 }, hits: 1, cut: true },
  { name: "slow handshake", fault: { kind: "slow-handshake", delay_ms: 400 }, hits: 1, cut: true },
  { name: "port refused", fault: { kind: "refused-port" }, hits: 1 },
  // Last, since trades that never were cannot be refetched, and the exchange is asked for them again for a while.
  { name: "ids 1000 higher", fault: { kind: "id-hole" }, hits: 1 },
  { name: "ids restart lower", fault: { kind: "id-back", by: 500_000 }, hits: 1 },
];

/** Groups that run side by side. Ending a connection takes longest, since each needs one that counts as good. */
const breaking = trials.filter(breaks);
const half = breaking.length >> 1;
const groups = [
  ["that leaves its connection open", trials.filter((trial) => !breaks(trial))],
  ["that ends its connection, the first half,", breaking.slice(0, half)],
  ["that ends its connection, the second half,", breaking.slice(half)],
] as const;

test.concurrent.each(groups)(
  "through every fault %s the recorder stays alive, keeps every sent record exactly once, and has data again after each",
  async (_, group) => {
    const source = createSyntheticMarket({ symbols, seed: 11, speed: 2 });
    const sent: SentFrame[] = [];
    const faults = createFaults();
    const exchange = createSimulatedExchange(
      {},
      { source, faults, onSent: (frame) => sent.push(frame), log: silentLog },
    );
    const { wsUrl, restUrl } = await exchange.start();
    const dataDir = join(temporaryFolder(), "data");
    const app = createRecorder(dataDir, wsUrl, restUrl);
    await app.start();
    const rows: { readonly cells: readonly string[]; readonly fromUs: number; readonly toUs: number }[] = [];

    async function undergo(trial: Trial): Promise<void> {
      const { kind } = trial.fault;
      const lasts = !momentary.includes(kind) && !trial.cut;
      const ageUs = breaks(trial) ? establishedUs : 0;
      await until(() => isConnected(app, ageUs), "the recorder's connection to count as good", 30_000);
      const client = await watch(`${wsUrl}/stream?streams=${watched.join("/")}`);
      await until(() => client.frames.length > 10, "data of the plain client");
      const from = client.frames.length;
      const before = app.status().totals;
      const fromUs = app.status().now_us;
      const reconnected = () => {
        const { reconnects, rollovers } = app.status().totals;
        return reconnects + rollovers > before.reconnects + before.rollovers;
      };
      const only = kind === "silent" && trial.untilReconnect ? { connection: newestOfRecorder(sent) } : {};
      const handle = faults.begin({ ...trial.fault, ...only });
      if (trial.cut) faults.begin({ kind: "reset" }).end();
      const began = performance.now();
      await until(() => handle.hits() >= (trial.hits ?? 5), `"${trial.name}" to hit`, 30_000);
      if (trial.untilReconnect) await until(reconnected, `"${trial.name}" to be noticed`, 30_000);
      const saw: string[] = [];
      if (trial.cut || kind === "refused-port") saw.push(await describeNewConnection(wsUrl, restUrl));
      if (lasts) await until(() => performance.now() - began > atLeastMs, "the fault to last");
      const till = client.frames.length;
      const ms = Math.round(performance.now() - began);
      handle.end();
      const counts = recordsOf(app);
      const ended = performance.now();
      await until(() => haveAllGrown(app, counts), `data of every stream after "${trial.name}"`, 30_000);
      const again = Math.round(performance.now() - ended);
      if ("connection" in only) saw.push("no data at all: only the recorder's connection is silent");
      else {
        saw.unshift(...describeFrames(client, from));
        if (lasts && client.closed() === null) saw.unshift(...describeSilence(client.frames.slice(from, till)));
      }
      const cells = [
        trial.name,
        String(ms),
        saw.join(", "),
        describeTotals(before, app.status().totals),
        String(again),
      ];
      rows.push({ cells, fromUs, toUs: app.status().now_us });
      client.close();
    }

    try {
      await until(() => haveAllGrown(app, new Map()), "data of every stream", 30_000);
      for (const trial of group) await undergo(trial);
      await source.stop();
      await untilStill(app);
      await app.stop(10_000);
    } finally {
      await exchange.stop();
      const gaps = gapsOf(dataDir);
      const filled = rows.map(({ cells, fromUs, toUs }) => [...cells, describeGaps(gaps, fromUs, toUs)]);
      const head = [
        "fault",
        "ms",
        "what a plain client saw",
        "what the recorder did",
        "data again after ms",
        "gap list",
      ];
      console.log(table(head, filled));
    }
    const result = compare(sent, dataDir);
    console.log(JSON.stringify(result));
    expect(result).toMatchObject({ neverSent: 0, tooOften: 0, missing: 0 });
    expect(result.recorded).toBeGreaterThan(1000);
  },
  180_000,
);

test("a name that does not resolve: the recorder says so in its status and goes on trying", async () => {
  const app = createRecorder(join(temporaryFolder(), "data"), "ws://exchange.rt-data.invalid:9443", "http://x.invalid");
  await app.start();
  const [connection] = app.status().connections;
  expect(connection).toBeDefined();
  await until(() => (app.status().connections[0]?.reconnects ?? 0) >= 2, "two attempts");
  expect(app.status().connections[0]?.last_error).toMatch(/connect/i);
  await app.stop(5000);
});

function createRecorder(dataDir: string, wsUrl: string, restUrl: string): App {
  const config = appConfig({
    "record.data_dir": dataDir,
    "record.symbols": symbols.join(","),
    "record.streams": types.join(","),
    "exchange.ws_url": wsUrl,
    "exchange.rest_url": restUrl,
  });
  return createApp(config, { mode: "record", log: silentLog });
}

function recordsOf(app: App): Map<string, number> {
  const streams = app.status().symbols.flatMap(({ symbol, streams }) => streams.map((one) => ({ symbol, ...one })));
  return new Map(streams.map(({ symbol, stream, records }) => [`${symbol} ${stream}`, records]));
}

function haveAllGrown(app: App, before: ReadonlyMap<string, number>): boolean {
  return [...recordsOf(app)].every(([name, records]) => records > (before.get(name) ?? 0));
}

/** The connection has been open for longer than `ageUs`, and no change is under way. */
function isConnected(app: App, ageUs: number): boolean {
  const { connections, now_us } = app.status();
  const isGood = connections.every(({ state, since_us }) => state === "open" && now_us - since_us > ageUs);
  return isGood && connections.length === 1;
}

/** Silences the market and waits until the messages in flight have arrived. */
async function untilStill(app: App): Promise<void> {
  let last = -1;
  let still = 0;
  await until(() => {
    const { records } = app.status().totals;
    still = records === last ? still + 1 : 0;
    last = records;
    return still > 20;
  }, "the last messages");
}

function plainConnections(sent: readonly SentFrame[]): Set<number> {
  return new Set(sent.filter(({ stream }) => stream === watched[0]).map(({ connection }) => connection));
}

function newestOfRecorder(sent: readonly SentFrame[]): number {
  const plain = plainConnections(sent);
  return sent.findLast(({ connection }) => !plain.has(connection))?.connection ?? 0;
}

/**
 * Everything recorded was sent, no more often than one socket carried it, and what a socket carried but the recorder has not
 * can only be the last of that socket, under way when it ended.
 */
function compare(sent: readonly SentFrame[], dataDir: string) {
  const plain = plainConnections(sent);
  const recorded = new Map<string, number>();
  for (const [key, lines] of readRecords(dataDir)) {
    // Records fetched over REST were not sent by a socket.
    if (key.endsWith("/depthSnapshot")) continue;
    for (const { payload, repaired } of lines)
      if (!repaired) recorded.set(`${key} ${payload}`, (recorded.get(`${key} ${payload}`) ?? 0) + 1);
  }
  const perSocket = new Map<string, string[]>();
  const mostOnOne = new Map<string, number>();
  const onOne = new Map<string, number>();
  for (const { connection, stream, payload } of sent) {
    if (plain.has(connection)) continue;
    const parsed = parseStreamName(stream);
    const frame = `${parsed?.symbol}/${parsed?.type.folder} ${payload}`;
    const socket = `${connection} ${stream}`;
    const frames = perSocket.get(socket) ?? [];
    frames.push(frame);
    perSocket.set(socket, frames);
    const count = (onOne.get(`${connection} ${frame}`) ?? 0) + 1;
    onOne.set(`${connection} ${frame}`, count);
    mostOnOne.set(frame, Math.max(count, mostOnOne.get(frame) ?? 0));
  }
  let [missing, underWay] = [0, 0];
  for (const frames of perSocket.values()) {
    const lastKept = frames.findLastIndex((frame) => recorded.has(frame));
    missing += frames.filter((frame, n) => n < lastKept && !recorded.has(frame)).length;
    underWay += frames.length - 1 - lastKept;
  }
  return {
    sockets: new Set([...onOne.keys()].map((key) => key.split(" ")[0])).size,
    sent: mostOnOne.size,
    recorded: [...recorded.values()].reduce((sum, count) => sum + count, 0),
    neverSent: [...recorded.keys()].filter((frame) => !mostOnOne.has(frame)).length,
    tooOften: [...recorded].filter(([frame, count]) => count > (mostOnOne.get(frame) ?? 0)).length,
    missing,
    underWayWhenASocketEnded: underWay,
  };
}

function describeFrames(client: Watcher, from: number): string[] {
  const facts = { good: 0, "not JSON": 0, binary: 0, "not wrapped as agreed": 0, "with other members": 0 };
  const books = { "with an empty side": 0, "with fewer than 10 levels": 0, "over 1 MB": 0 };
  const order = { repeated: 0, "with an older id": 0, "breaking the chain of diffs": 0 };
  let shutdowns = 0;
  const ids = new Map<string, number>();
  for (const frame of client.frames.slice(0, from)) {
    const { stream, data } = parseFrame(frame) ?? { stream: "", data: {} };
    ids.set(stream, Number(data.lastUpdateId ?? data.u));
  }
  for (const frame of client.frames.slice(from)) {
    const parsed = parseFrame(frame);
    if (parsed === null || !String(frame).startsWith('{"stream":"')) {
      facts[typeof frame !== "string" ? "binary" : isJson(frame) ? "not wrapped as agreed" : "not JSON"]++;
      continue;
    }
    const { stream, data } = parsed;
    if (stream === "!serverShutdown") {
      shutdowns++;
      continue;
    }
    facts.good++;
    if (frame.length > 1e6) books["over 1 MB"]++;
    if (
      Object.keys(data).length !== (data.e === undefined ? 3 : 7) ||
      Object.keys(JSON.parse(String(frame))).length > 2
    ) {
      facts["with other members"]++;
    }
    const sides = [data.bids, data.asks].filter((side) => Array.isArray(side));
    if (sides.some((side) => side.length === 0)) books["with an empty side"]++;
    else if (sides.some((side) => side.length < 10)) books["with fewer than 10 levels"]++;
    const last = ids.get(stream);
    const id = Number(data.lastUpdateId ?? data.u);
    if (id === last) order.repeated++;
    if (last !== undefined && id < last) order["with an older id"]++;
    if (last !== undefined && data.U !== undefined && data.U !== last + 1 && id !== last) {
      order["breaking the chain of diffs"]++;
    }
    ids.set(stream, id);
  }
  const closed = client.closed();
  const odd = client.pings.filter((payload) => !/^\d{13}$/.test(payload)).length + client.pongs.length;
  return [
    ...Object.entries({ ...facts, ...books, ...order })
      .filter(([, count]) => count > 0)
      .map(([words, count]) => `${count} ${words}`),
    ...(shutdowns > 0 ? [`${shutdowns} serverShutdown`] : []),
    ...(odd > 0 ? [`${odd} odd pings and pongs`] : []),
    ...(closed === null ? [] : [`closed ${closed.code} ${closed.code === 1006 ? "" : closed.reason}`.trim()]),
  ];
}

function describeSilence(frames: readonly Seen[]): string[] {
  const heard = new Set(frames.map((frame) => parseFrame(frame)?.stream));
  const silent = watched.filter((stream) => !heard.has(stream));
  if (frames.length === 0) return ["no record while it lasted"];
  return silent.length > 0 && silent.length < watched.length
    ? [`no record on ${silent.join(" and ")} while it lasted`]
    : [];
}

/** A WebSocket client does not tell the HTTP status, so that is asked for apart. */
async function describeNewConnection(wsUrl: string, restUrl: string): Promise<string> {
  const socket = await watch(`${wsUrl}/ws`);
  const key = { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13" };
  const headers = { upgrade: "websocket", connection: "Upgrade", ...key };
  const status = await fetch(`${restUrl}/ws`, { headers }).then(
    (answer) => `HTTP ${answer.status}`,
    (error) => error.code,
  );
  const outcome = socket.isOpen() ? "opens" : "fails";
  socket.close();
  return `a new connection ${outcome} (${status})`;
}

function describeTotals(before: Totals, after: Totals): string {
  const counters = ["records", "quarantined", "duplicates", "reconnects", "rollovers", "epochs", "gaps"] as const;
  const grown = counters.map((name) => [name, after[name] - before[name]] as const).filter(([, n]) => n > 0);
  return grown.map(([name, n]) => `+${n} ${name}`).join(", ");
}

function gapsOf(dataDir: string): Gap[] {
  const reader = openGapReader(dataDir);
  const date = dateOf(Date.now() * 1000);
  const gaps = symbols.flatMap((symbol) =>
    types.flatMap((type) => {
      const stream = parseStreamType(type)?.folder ?? "";
      return [...(reader?.gapsOf({ stream, symbol, date }) ?? [])];
    }),
  );
  reader?.close();
  return gaps;
}

/** By cause: of how many streams, how long at most, and what the ids say is missing. */
function describeGaps(gaps: readonly Gap[], fromUs: number, toUs: number): string {
  const own = gaps.filter((gap) => gap.to_us > fromUs && gap.from_us < toUs);
  return [...new Set(own.map(({ cause }) => cause))]
    .map((cause) => {
      const some = own.filter((gap) => gap.cause === cause);
      const seconds = Math.max(...some.map((gap) => gap.to_us - gap.from_us)) / 1e6;
      const [missing, repaired] = [some.map((gap) => gap.missing ?? 0), some.map((gap) => gap.repaired)].map((counts) =>
        counts.reduce((sum, count) => sum + count, 0),
      );
      const trades = missing === 0 ? "" : `, ${missing} trades missing, ${repaired} refetched`;
      return `${cause}: ${some.length} × up to ${seconds.toFixed(2)} s${trades}`;
    })
    .join("; ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((word, n) => Math.max(word.length, ...rows.map((row) => row[n]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join(" | ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("-|-"), ...rows.map(line)].join("\n");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
