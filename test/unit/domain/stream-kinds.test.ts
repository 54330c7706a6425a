import { describe, expect, test } from "bun:test";
import { createFrameReader } from "../../../server/binance/frames/frame-reader.ts";
import { parseTrades } from "../../../server/binance/rest/trade-pages.ts";
import { encodeBackfilledLine, encodeLine, recordId, recordIds } from "../../../server/domain/line.ts";
import {
  createStream,
  depthSnapshot,
  parseStreamName,
  parseStreamType,
  streamTypeNames,
  streamTypeOfFolder,
  typeOfKind,
} from "../../../server/domain/stream.ts";
import {
  foldersOf,
  isContiguous,
  type StreamKind,
  streamKindNames,
  streamKinds,
} from "../../../server/domain/stream-kinds.ts";
import { rowShape } from "../../../server/export/column.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createIdCheck } from "../../../server/storage/ids/id-check.ts";
import { lineId } from "../../../server/storage/ids/line-ids.ts";

/** One record of a kind as Binance documents it, and the values to read from it. */
type Example = {
  readonly payload: string;
  readonly id: number;
  readonly firstId: number;
  readonly eventMs: number;
  /** As exported, behind `recv_us` and `net_delay_ms`. */
  readonly cells: readonly unknown[];
  /** The same record over REST, and its cells; null for kinds that are not backfilled. */
  readonly rest: { readonly payload: string; readonly cells: readonly unknown[] } | null;
};

const [recvUs, timeMs] = [1_763_800_000_123_456, 1_672_515_782_136];
const event = (type: string) => `{"e":"${type}","E":${timeMs},"s":"BTCUSDT"`;
const book = '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}';
const lists = [["0.0024"], ["10"], ["0.0026"], ["100"]];

const examples: Record<Exclude<StreamKind, "exchangeInfo">, Example> = {
  partialDepth: { payload: book, id: 160, firstId: 160, eventMs: 0, cells: [160, ...lists], rest: null },
  depthSnapshot: { payload: book, id: 160, firstId: 160, eventMs: 0, cells: [160, ...lists], rest: null },
  diffDepth: {
    payload: `${event("depthUpdate")},"U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}`,
    id: 160,
    firstId: 157,
    eventMs: timeMs,
    cells: [timeMs, 157, 160, ...lists],
    rest: null,
  },
  aggTrade: {
    payload: `${event("aggTrade")},"a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":${timeMs},"m":true,"M":true}`,
    id: 12345,
    firstId: 12345,
    eventMs: timeMs,
    cells: [false, timeMs, timeMs, 12345, 100, 105, "0.001", "100", true],
    rest: {
      payload: `{"a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":${timeMs},"m":true,"M":true}`,
      cells: [true, null, timeMs, 12345, 100, 105, "0.001", "100", true],
    },
  },
  trade: {
    payload: `${event("trade")},"t":12345,"p":"0.001","q":"100","T":${timeMs},"m":true,"M":true}`,
    id: 12345,
    firstId: 12345,
    eventMs: timeMs,
    cells: [false, timeMs, timeMs, 12345, "0.001", "100", true],
    rest: {
      payload: `{"id":12345,"price":"0.001","qty":"100","quoteQty":"0.1","time":${timeMs},"isBuyerMaker":true,"isBestMatch":true}`,
      cells: [true, null, timeMs, 12345, "0.001", "100", true],
    },
  },
  blockTrade: {
    payload: `${event("blockTrade")},"t":7,"p":"0.001","q":"100","T":${timeMs},"m":true}`,
    id: 7,
    firstId: 7,
    eventMs: timeMs,
    cells: [timeMs, timeMs, 7, "0.001", "100", true],
    rest: null,
  },
  miniTicker: {
    payload: `${event("24hrMiniTicker")},"c":"0.0025","o":"0.0010","h":"0.0026","l":"0.0009","v":"10000","q":"18"}`,
    id: timeMs,
    firstId: timeMs,
    eventMs: timeMs,
    cells: [timeMs, "0.0025", "0.0010", "0.0026", "0.0009", "10000", "18"],
    rest: null,
  },
  bookTicker: {
    payload: '{"u":400900217,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}',
    id: 400900217,
    firstId: 400900217,
    eventMs: 0,
    cells: [400900217, "25.35", "31.21", "25.36", "40.66"],
    rest: null,
  },
};

/** Kinds with records; facts about symbols have neither ids nor columns. */
const recordKinds = streamKindNames.filter((kind) => kind !== "exchangeInfo");

describe.each(recordKinds.map((kind) => ({ kind, ...streamKinds[kind], ...examples[kind] })))("$kind", (example) => {
  const { kind, payload, id, firstId } = example;
  const type = typeOfKind(kind);
  const stream = createStream("BTCUSDT", type);
  const read = createFrameReader([stream]);
  const frame = (data: string) => `{"stream":"${stream.name}","data":${data}}`;
  const symbolOfOther = payload.replace('"s":"BTCUSDT"', '"s":"ETHUSDT"');

  test("its documented payload is proved without being parsed, with its ids and its event time", () => {
    const message = read(frame(payload));
    if (message.type !== "data") throw new Error(JSON.stringify(message));
    expect(message.data).toMatchObject({ payload, id, firstId, eventMs: example.eventMs, unusual: false });
    if (symbolOfOther !== payload) expect(read(frame(symbolOfOther)).type).toBe("odd");
  });

  test("a payload with a new member is recorded, one without a required member is not", () => {
    const members = JSON.parse(payload) as Record<string, unknown>;
    const message = read(frame(JSON.stringify({ ...members, zz: 1 })));
    if (message.type !== "data") throw new Error(JSON.stringify(message));
    expect(message.data).toMatchObject({ id, firstId, eventMs: example.eventMs, unusual: true });
    const ids: readonly (string | null)[] = [streamKinds[kind].id, streamKinds[kind].firstId];
    for (const { name } of example.members.filter(({ name, isRequired }) => isRequired || ids.includes(name))) {
      const { [name]: _, ...others } = members;
      expect(read(frame(JSON.stringify(others))).type).toBe("odd");
    }
  });

  test("its id is found in lines, as text and as bytes", () => {
    const lines = [
      encodeLine(payload, recvUs, 1),
      ...(example.rest ? [encodeBackfilledLine(example.rest.payload, recvUs)] : []),
    ];
    for (const line of lines) {
      expect(recordId(line, kind)).toBe(id);
      expect(recordIds(line, kind)).toEqual({ first: firstId, last: id });
      expect(lineId(Buffer.from(line), 0, line.length - 1, kind)).toBe(id);
    }
  });

  test("missing ids are found if its ids follow each other", () => {
    const check = createIdCheck(kind);
    expect(check === null).toBe(example.numbering === "none");
    if (check === null) return;
    const later = payload.replace(`:${firstId}`, `:${id + 10}`).replace(`:${id},`, `:${id + 13},`);
    check.add(Buffer.from(encodeLine(payload, recvUs, 1) + encodeLine(later, recvUs + 1, 1)));
    const missing = check.report().holes.map(({ fromId, toId }) => [fromId, toId]);
    expect(missing).toEqual(isContiguous(kind) ? [[id + 1, id + 9]] : []);
  });

  test("it is exported with the values that Binance sent", () => {
    const shape = rowShape(type, { levels: "list", symbol: null });
    const cellsOf = (line: string) => shape.row(JSON.parse(line)).slice(0, example.cells.length + 2);
    expect(cellsOf(encodeLine(payload, recvUs, 1))).toEqual([recvUs, 1, ...example.cells] as never);
    if (example.rest === null) return;
    const fetched = encodeBackfilledLine(example.rest.payload, recvUs);
    expect(cellsOf(fetched)).toEqual([recvUs, null, ...example.rest.cells] as never);
  });

  test("it is backfilled from what REST answers, if the exchange keeps its records", () => {
    expect(example.backfill === null).toBe(example.rest === null);
    if (example.rest === null) return;
    expect(parseTrades(`[${example.rest.payload}]`, kind)).toEqual([
      { payload: example.rest.payload, id, tradeUs: timeMs * 1000 },
    ]);
  });

  test("its ids and columns name members of its payload", () => {
    const names = example.members.map(({ name }) => name);
    const { id, firstId, columns } = streamKinds[kind];
    const named = [id ?? "", firstId ?? id ?? "", ...Object.values(columns)];
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
  });
});

test("every stream of the contract is found by Binance's name and by its folder", () => {
  expect(streamTypeNames).toHaveLength(13);
  for (const name of streamTypeNames)
    expect(streamTypeOfFolder(parseStreamType(name)?.folder ?? "")?.kind).toBe(parseStreamType(name)?.kind);
  expect(parseStreamName("btcusdt@depth20@100ms")).toMatchObject({ symbol: "BTCUSDT", name: "btcusdt@depth20@100ms" });
  expect(parseStreamName("btcusdt@depth30@100ms")).toBeNull();
  expect(parseStreamType("Depth20@100ms")).toBeNull();
});

test("the simulator sends every stream that can be subscribed to, in its documented shape", () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3 });
  const events = Array.from({ length: 200 }, (_, n) => market.tick(timeMs + n * 100)).flat();
  for (const name of streamTypeNames) {
    const type = parseStreamType(name);
    if (type === null) throw new Error(name);
    const stream = createStream("BTCUSDT", type);
    const read = createFrameReader([stream]);
    const sent = events.filter((event) => event.stream === stream.name);
    expect([name, sent.length > 0]).toEqual([name, true]);
    for (const { payload } of sent) {
      const message = read(`{"stream":"${stream.name}","data":${payload}}`);
      expect(message).toMatchObject({ type: "data", data: { unusual: false } });
    }
  }
});

test("the example config names every stream that can be subscribed to", async () => {
  const config = await Bun.file("ops/rt-data.example.toml").text();
  const line = config.split("\n").find((line) => line.startsWith("# Of each symbol:")) ?? "";
  const named: readonly string[] = line.match(/\w+/g) ?? [];
  const folders = streamTypeNames.map((name) => name.replace("@100ms", ""));
  expect(folders.filter((folder) => !named.includes(folder))).toEqual([]);
});

test.each(["ops/docs/reading.md", "ops/docs/reading.ko.md"])(
  "%s names the streams whose ids prove completeness",
  async (page) => {
    const named = (await Bun.file(page).text()).match(/(\w+)(?:, \w+)+(?=[,)])/g)?.join(", ") ?? "";
    expect(foldersOf(isContiguous).filter((folder) => !named.split(", ").includes(folder))).toEqual([]);
  },
);

test("no two stream types share a folder, unless they differ in speed only", () => {
  const folders = streamKindNames.flatMap((kind) => streamKinds[kind].types.map(({ folder }) => folder));
  expect(new Set(folders).size).toBe(folders.length);
  expect(depthSnapshot.folder).toBe("depthSnapshot");
});
