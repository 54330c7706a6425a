import { expect, test } from "bun:test";
import { createFrameReader, type Message } from "../../../server/binance/frames/frame-reader.ts";
import { contentMark } from "../../../server/binance/gaps/recent-ids.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { realDataMissing, realMessages } from "../../support/simulator/real-data.ts";

function streams(...names: string[]): Stream[] {
  return names.map((name) => {
    const stream = parseStreamName(name);
    if (stream === null) throw new Error(name);
    return stream;
  });
}

const read = createFrameReader(
  streams("btcusdt@depth20@100ms", "btcusdt@aggTrade", "btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker"),
);

function combined(stream: string, payload: string): string {
  return `{"stream":"${stream}","data":${payload}}`;
}

function kept(message: Message): { id: number; payload: string; unusual: boolean } | string {
  if (message.type !== "data") return message.type === "odd" ? message.reason : message.type;
  const { id, payload, unusual } = message.data;
  return { id, payload, unusual };
}

const book = '{"lastUpdateId":160,"bids":[["0.0024","10"],["0.0023","1.5"]],"asks":[["0.0026","100"]]}';
const documented: readonly [stream: string, payload: string, id: number][] = [
  ["btcusdt@depth20@100ms", book, 160],
  ["btcusdt@depth20@100ms", '{"lastUpdateId":160,"bids":[],"asks":[]}', 160],
  [
    "btcusdt@depth@100ms",
    '{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}',
    160,
  ],
  [
    "btcusdt@aggTrade",
    '{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true,"M":true}',
    12345,
  ],
  [
    "btcusdt@trade",
    '{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}',
    12345,
  ],
  [
    "btcusdt@bookTicker",
    '{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}',
    400900217,
  ],
];

test("every documented payload takes the fast path, with Binance's id and its text untouched", () => {
  for (const [stream, payload, id] of documented) {
    expect(kept(read(combined(stream, payload)))).toEqual({ id, payload, unusual: false });
  }
});

const inMicroseconds = (payload: string) => payload.replace(/"([ET])":(\d{13})(?=,)/g, '"$1":$2042');

test("event times in ms and in µs, on the fast and on the slow path, are the same time", () => {
  for (const [stream, payload] of documented) {
    if (!payload.includes('"E"')) continue;
    for (const [text, ms] of [
      [payload, 1672515782136],
      [inMicroseconds(payload), 1672515782136.042],
    ] as const)
      for (const sent of [text, `${text.slice(0, -1)},"new":1}`]) {
        const message = read(combined(stream, sent));
        if (message.type !== "data") throw new Error(message.type);
        expect([message.data.eventMs, message.data.payload]).toEqual([ms, sent]);
      }
  }
});

test("a record that two connections deliver in ms and in µs has one content mark, another record another", () => {
  const level = '["0.00240000","10.00000000"]';
  const long = documented.map(([, payload]) => payload.replace(/\["0.0024","10"\]/, Array(60).fill(level).join(",")));
  for (const payload of [...documented.map(([, payload]) => payload), ...long]) {
    expect(contentMark(inMicroseconds(payload))).toBe(contentMark(payload));
    expect(contentMark(inMicroseconds(payload.replace('"T":1672', '"T":1673')))).toBe(
      contentMark(payload.replace('"T":1672', '"T":1673')),
    );
  }
  const [, trade = ""] = documented.find(([stream]) => stream.endsWith("@trade")) ?? [];
  expect(contentMark(trade.replace("0.001", "0.002"))).not.toBe(contentMark(trade));
  expect(contentMark(inMicroseconds(trade.replace("0.001", "0.002")))).not.toBe(contentMark(trade));
});

test("decimals of every form take the fast path, alone and mixed; other texts do not", () => {
  const fast = (decimals: readonly string[]) => {
    const levels = decimals.map((decimal) => `["${decimal}","${decimal}"]`).join(",");
    const frame = combined("btcusdt@depth20@100ms", `{"lastUpdateId":160,"bids":[${levels}],"asks":[${levels}]}`);
    return kept(read(frame));
  };
  const well = { id: 160, unusual: false };
  for (const decimal of ["86704.77000000", "0.00000001", "86704.7", "0.123456789", "12"]) {
    expect(fast([decimal])).toMatchObject(well);
    expect(fast(["1.00000000", decimal, "2.00000000"])).toMatchObject(well);
  }
  for (const wrong of ["", ".5", "1.", "1e5", "-1.00000000", "1.0000000 ", "123456789012345678901.00000000"]) {
    const isKept = typeof fast(["1.00000000", wrong, "2.00000000"]) !== "string";
    // Too long for the proof, but a decimal: parsed, believed, and counted as unusual.
    expect(isKept).toBe(wrong.startsWith("123"));
  }
});

test("a frame that is cut anywhere is never taken for data", () => {
  for (const [stream, payload] of documented) {
    const frame = combined(stream, payload);
    for (let length = 0; length < frame.length; length++) expect(kept(read(frame.slice(0, length)))).toBe("not JSON");
  }
});

test("a payload with a new member is kept as it is and counted as unusual", () => {
  for (const [stream, payload, id] of documented) {
    const grown = `${payload.slice(0, -1)},"new":{"x":[1]}}`;
    expect(kept(read(combined(stream, grown)))).toEqual({ id, payload: grown, unusual: true });
  }
});

test("a payload of another symbol than its stream's is put aside, whatever its form", () => {
  for (const [stream, payload] of documented.filter(([, payload]) => payload.includes('"s":'))) {
    for (const other of ["DOGEUSDT", "BTCUSDTX", "XBTCUSDT", "btcusdt"]) {
      const foreign = payload.replace('"BTCUSDT"', `"${other}"`);
      expect(kept(read(combined(stream, foreign)))).toBe("data of another symbol than its stream's");
      expect(kept(read(combined(stream, foreign.replace('"s":', '"new":1,"s":'))))).toBe(
        "data of another symbol than its stream's",
      );
    }
  }
});

test("data of a form that cannot be trusted is put aside with a reason", () => {
  const odd: readonly [string, string][] = [
    ["null", "not a JSON object"],
    [combined("ethusdt@aggTrade", "{}"), "a stream that was not subscribed to"],
    [combined("btcusdt@depth20@100ms", "[]"), "not a combined stream's message"],
    [combined("btcusdt@depth20@100ms", '{"bids":[],"asks":[]}'), 'depth20@100ms without a valid "lastUpdateId"'],
    [
      combined("btcusdt@depth20@100ms", '{"lastUpdateId":1,"bids":[[1,2]],"asks":[]}'),
      'depth20@100ms without a valid "bids"',
    ],
    [combined("btcusdt@depth20@100ms", '{"lastUpdateId":1,"bids":[]}'), 'depth20@100ms without a valid "asks"'],
    [book, "not a combined stream's message"],
    [`{"data":${book},"stream":"btcusdt@depth20@100ms"}`, "an envelope of another form"],
    [`{"stream":"btcusdt@depth20@100ms","data":${book},"more":1}`, "an envelope of another form"],
    [combined("btcusdt@depth20@100ms", book.replace(",", ",\n")), "an envelope of another form"],
  ];
  for (const [frame, reason] of odd) expect(kept(read(frame))).toBe(reason);
});

const trade = documented[3]?.[1] ?? "";
const diff = documented[2]?.[1] ?? "";
const ticker = documented[5]?.[1] ?? "";

test("text that is not JSON, or that parsers read differently, goes to quarantine with a reason, in every member", () => {
  const [d20, agg, diffs] = ["depth20@100ms", "aggTrade", "depth@100ms"];
  const notJson: readonly [stream: string, payload: string][] = [
    ...["\n", "\r", "\u0000", "\t", "\u001f"].flatMap((control): [string, string][] => [
      [agg, trade.replace("BTCUSDT", `BNB${control}BTC`)],
      [diffs, diff.replace("BTCUSDT", `BNB${control}BTC`)],
      ["bookTicker", ticker.replace("BTCUSDT", `BNB${control}USDT`)],
      [d20, book.replace("0.0023", `0.00${control}23`)],
      [d20, book.replace("}", `,"new":"a${control}b"}`)],
    ]),
    [d20, book.replace("160", "0160")],
    [d20, book.replace("160", "00")],
    [agg, trade.replace('"f":100', '"f":0100')],
    [agg, trade.replace('"E":1672515782136', '"E":01672515782136')],
    [agg, trade.replace("12345", "-012345")],
    [agg, trade.replace("12345", "1.")],
    [agg, trade.replace("12345", ".5")],
    [agg, trade.replace("12345", "+5")],
    [d20, `\ufeff${book}`],
  ];
  for (const [stream, payload] of notJson)
    expect([payload, kept(read(combined(`btcusdt@${stream}`, payload)))]).toEqual([payload, "not JSON"]);
  const doubtful: readonly [stream: string, payload: string, reason: string][] = [
    [d20, book.replace("160", "9007199254740993"), 'without a valid "lastUpdateId"'],
    [diffs, diff.replace(":157", ":9007199254740993"), 'without a valid "U"'],
    [diffs, diff.replace("1672515782136", "16725157821360000000"), "with an integer that not every reader can hold"],
    [agg, trade.replace('"l":105', '"l":9007199254740993'), "with an integer that not every reader can hold"],
    [agg, trade.replace('"l":105', `"l":${"9".repeat(3000)}`), "with an integer that not every reader can hold"],
    [agg, trade.replace("12345", "9999999999999999"), 'without a valid "a"'],
    [agg, trade.replace("12345", "12345678901234567890"), 'without a valid "a"'],
    [agg, trade.replace("12345", "-12345"), 'without a valid "a"'],
    [agg, trade.replace("12345", "12345.5"), 'without a valid "a"'],
    [agg, trade.replace("12345", "1e5"), 'without a plain "a"'],
    [agg, trade.replace("12345", "12345.0"), 'without a plain "a"'],
    [agg, trade.replace("12345", "-0"), 'without a plain "a"'],
    [agg, trade.replace('"a":', '"a": '), 'without a plain "a"'],
    [agg, trade.replace('"T":1672515782136', '"T":1672515782e3'), 'without a plain "T"'],
    [agg, trade.replace('{"e"', '{"x":{"a":7},"e"'), 'without a plain "a"'],
    [agg, trade.replace('"p"', '"a":7,"p"'), "with a name twice"],
    [agg, trade.replace('"p"', '"\\u0061":12345,"p"'), "with a name twice"],
    [agg, trade.replace('"M":true', '"M":true,"new":[{"b":1,"b":2}]'), "with a name twice"],
    [agg, trade.replace('"M":true', '"M":true,"recv_us":1'), "with a member under a name that RT-Data uses itself"],
    [agg, trade.replace('"M":true', '"M":true,"repaired":true'), "with a member under a name that RT-Data uses itself"],
    [agg, trade.replace("BTCUSDT", "BNB\\ud800BTC"), "with half of a surrogate pair"],
    // Bun puts this sign where bytes were not UTF-8.
    [agg, trade.replace("BTCUSDT", "BNB\ufffdBTC"), "with bytes that are not UTF-8"],
  ];
  for (const [stream, payload, reason] of doubtful)
    expect([payload, kept(read(combined(`btcusdt@${stream}`, payload)))]).toEqual([payload, `${stream} ${reason}`]);
  expect(kept(read(combined(`btcusdt@${agg}`, trade.replace("{", "{ "))))).toBe("an envelope of another form");
});

test("JSON of another form that every reader understands alike is kept", () => {
  const ids = [0, 1, 999_999_999_999_999, 1_763_800_000_123_456, 8_999_999_999_999_999];
  for (const id of ids) {
    const payload = book.replace("160", String(id));
    expect(kept(read(combined("btcusdt@depth20@100ms", payload)))).toEqual({ id, payload, unusual: false });
  }
  const largest = book.replace("160", String(Number.MAX_SAFE_INTEGER));
  expect(kept(read(combined("btcusdt@depth20@100ms", largest)))).toMatchObject({ id: Number.MAX_SAFE_INTEGER });
  // Two characters that some take for the end of a line; readers of JSON lines do not.
  for (const symbol of ["币安人生USDT", "A\u2028B\u2029C", "A\\nB", "\\ud83d\\ude00"]) {
    const payload = trade.replace('"M":true', `"M":true,"new":"${symbol}"`);
    expect(kept(read(combined("btcusdt@aggTrade", payload)))).toMatchObject({ id: 12_345, payload });
  }
});

test("a frame that is far too long, or nested without end, costs no more than a glance", () => {
  const long = combined("btcusdt@aggTrade", trade.replace('"M":true', `"M":true,"new":"${"x".repeat(20_000_000)}"`));
  const deep = combined("btcusdt@aggTrade", trade.replace('"M":true', `"M":true,"new":${"[".repeat(1_000_000)}`));
  for (const text of [long, deep]) expect(Buffer.byteLength(text)).toBe(text.length);
  const began = performance.now();
  expect(kept(read(long))).toBe("a frame that is too long");
  expect(kept(read(deep))).toBe("not JSON");
  expect(performance.now() - began).toBeLessThan(3000);
});

test("answers and announcements are told from data, errors in both of Binance's forms", () => {
  expect(read('{"result":null,"id":3}')).toEqual({ type: "reply", id: 3, error: null });
  expect(read('{"error":{"code":2,"msg":"Invalid request"},"id":20}')).toEqual({
    type: "reply",
    id: 20,
    error: "Invalid request (code 2)",
  });
  expect(read('{"code":3,"msg":"Invalid JSON","id":null}')).toEqual({
    type: "reply",
    id: null,
    error: "Invalid JSON (code 3)",
  });
  expect(read('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}').type).toBe("shutdown");
});

for (const file of [
  "depth20+trade.btc-eth.2024-08-08.jsonl.gz",
  "depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz",
  "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz",
  "raw-depth+aggTrade+kline.btc-eth-dot.2021-04-04.jsonl.gz",
]) {
  test.skipIf(realDataMissing !== "")(`every real message of ${file} takes the fast path${realDataMissing}`, () => {
    const messages = realMessages(file).filter(({ raw }) => !raw.includes("@kline") && raw.startsWith('{"stream"'));
    const names = new Set(messages.map(({ raw }) => JSON.parse(raw).stream as string));
    const reader = createFrameReader(streams(...names));
    for (const { raw } of messages) {
      const message = reader(raw);
      const slow = message.type !== "data" || message.data.unusual;
      if (slow) throw new Error(`took the slow path: ${raw.slice(0, 300)}`);
      expect(raw).toBe(combined(message.data.stream.name, message.data.payload));
    }
    expect(messages.length).toBeGreaterThan(4000);
  });
}
