import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import { createStream, streamTypeOfFolder } from "../../../server/domain/stream.ts";
import { type Members, rowShape } from "../../../server/export/column.ts";
import { createLineScanner } from "../../../server/export/lines/line-scanner.ts";
import { lineTemplates } from "../../../server/export/lines/line-template.ts";
import { createRowGroup, type RowGroup, setCell } from "../../../server/export/parquet/row-group.ts";
import type { NumberForm } from "../../../server/export/table-file.ts";

const recvUs = 1_763_800_000_123_456;
const ms = 1_763_800_000_122;

/** Decimals as Binance writes them, mostly; also short, long and odd texts. */
const usual = fc
  .tuple(fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 99_999_999 }))
  .map(([whole, part]) => `${whole}.${String(part).padStart(8, "0")}`);
const odd = fc.oneof(
  fc.constantFrom("0", "0.0", "1", "1e5", "1.5E-7", "-1.0", "", ".", "1.", ".5", "00012.50", "1.123456789", "NaN"),
  fc.constantFrom("9007199254740993", "0.1", "90071992.54740993", "9999999999.99999999", "99999999999.00000000"),
  fc.bigInt({ min: 0n, max: 10n ** 18n }).map((value) => `${value}.00000000`),
  fc.bigInt({ min: 0n, max: 10n ** 19n }).map((value) => String(value).replace(/(\d{8})$/, ".$1")),
  fc.tuple(fc.nat(), fc.nat({ max: 9_999_999 })).map(([whole, part]) => `${whole}.${part}`),
);

function linesOf(folder: string, decimal: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const level = fc.tuple(decimal, decimal).map(([price, quantity]) => `["${price}","${quantity}"]`);
  const side = fc.array(level, { maxLength: folder === "depth5" ? 6 : 25 }).map((levels) => `[${levels.join(",")}]`);
  const id = fc.integer({ min: 0, max: 2 ** 50 });
  const two = fc.tuple(decimal, decimal);
  const time = fc.constantFrom(String(ms), `${ms}042`);
  const event = (name: string, at: string) => `"e":"${name}","E":${at},"s":"BTCUSDT"`;
  const payloads: Record<string, fc.Arbitrary<string>> = {
    depth5: fc
      .tuple(id, side, side)
      .map(([last, bids, asks]) => `{"lastUpdateId":${last},"bids":${bids},"asks":${asks}}`),
    depth: fc
      .tuple(id, side, side, time)
      .map(([u, b, a, at]) => `{${event("depthUpdate", at)},"U":${u},"u":${u},"b":${b},"a":${a}}`),
    aggTrade: fc
      .tuple(id, two, fc.boolean(), time)
      .map(
        ([a, [p, q], m, at]) =>
          `{${event("aggTrade", at)},"a":${a},"p":"${p}","q":"${q}","f":1,"l":2,"T":${at},"m":${m},"M":true}`,
      ),
    trade: fc
      .tuple(id, two, fc.constantFrom("", '"b":88,"a":50,'), time)
      .map(
        ([t, [p, q], former, at]) =>
          `{${event("trade", at)},"t":${t},"p":"${p}","q":"${q}",${former}"T":${at},"m":true,"M":true}`,
      ),
    bookTicker: fc
      .tuple(id, two, two)
      .map(([u, [b, B], [a, A]]) => `{"u":${u},"s":"BTCUSDT","b":"${b}","B":"${B}","a":"${a}","A":"${A}"}`),
  };
  const delay = fc.constantFrom(null, 0, 114, -3, 12.5);
  return fc
    .tuple(payloads[folder] as fc.Arbitrary<string>, delay)
    .map(([payload, net]) => encodeLine(payload, recvUs, net));
}

const folders = ["depth5", "depth", "aggTrade", "trade", "bookTicker"];
const forms = ["float64", "decimal", "ticks"] as const;
const ticks = { price: "0.01000000", quantity: "0.00001000" };

function readersOf(folder: string, numbers: NumberForm, levels: "columns" | "list" = "columns") {
  const type = streamTypeOfFolder(folder);
  if (type === null) throw new Error(folder);
  const shape = rowShape(type, { levels, symbol: null });
  const group = () => createRowGroup(shape.columns, numbers, numbers === "ticks" ? ticks : null);
  const fast = group();
  const slow = group();
  const scanner = createLineScanner(fast, lineTemplates(createStream("BTCUSDT", type), shape.columns));
  return {
    /** The values read from bytes; null if the line is left to the other reader. */
    scan(line: string): unknown[] | null {
      const bytes = Buffer.from(`x${line}${line}`);
      scanner.use(bytes);
      const end = scanner.scan(1);
      if (end < 0) return null;
      expect(end).toBe(1 + Buffer.byteLength(line));
      return valuesIn(fast);
    },
    /** The values that JSON gives; null if the line or a value is not acceptable. */
    parse(line: string): unknown[] | null {
      try {
        const cells = shape.row(JSON.parse(line) as Members);
        for (const [column, cell] of cells.entries()) setCell(slow, column, cell);
      } catch {
        return null;
      }
      return valuesIn(slow);
    },
  };
}

/** The stored bits of the group's row. */
function valuesIn({ columns, lists, bigs, stride }: RowGroup): unknown[] {
  return columns.map((_, column) => {
    const list = lists[column] ?? null;
    return list === null ? bigs[column * stride] : [...list.bigs.subarray(0, list.ends[0])];
  });
}

describe.each(folders)("%s", (folder) => {
  test.each(forms)(
    "lines as Binance sends them are read from their bytes, with the values that JSON gives: %s",
    (form) => {
      const { scan, parse } = readersOf(folder, form);
      const inForm = form === "ticks" ? usual.map((text) => text.replace(/\d{6}$/, "000000")) : usual;
      fc.assert(
        fc.property(linesOf(folder, inForm), (line) => {
          const isUsual = !line.includes(":12.5,") && (folder !== "depth5" || !/(\["[^[]*){6}\]/.test(line));
          const values = scan(line);
          expect(values === null ? !isUsual : true).toBe(true);
          if (values !== null) expect(values).toEqual(parse(line) as unknown[]);
        }),
        { numRuns: 60 },
      );
    },
  );

  test.each(forms)("any other line is left to JSON, or has the same values: %s", (form) => {
    const { scan, parse } = readersOf(folder, form);
    const change = fc.tuple(
      fc.nat(),
      fc.constantFrom("insert", "replace", "remove"),
      fc.integer({ min: 32, max: 126 }),
    );
    fc.assert(
      fc.property(linesOf(folder, fc.oneof(usual, odd)), fc.option(change), (line, changed) => {
        const text = changed === null ? line : mutated(line, changed);
        const values = scan(text);
        if (values !== null) expect(values).toEqual(parse(text) as unknown[]);
      }),
      { numRuns: 200 },
    );
  });
});

function mutated(line: string, [at, how, code]: [number, string, number]): string {
  const place = at % (line.length - 1);
  const head = line.slice(0, place);
  const tail = line.slice(how === "insert" ? place : place + 1);
  return head + (how === "remove" ? "" : String.fromCharCode(code)) + tail;
}

test("lists of levels are read too, and lines of any length", () => {
  const { scan, parse } = readersOf("depth5", "decimal", "list");
  const level = '["86704.77000000","4.67805000"]';
  for (const count of [0, 1, 20, 5000]) {
    const side = `[${new Array(count).fill(level).join(",")}]`;
    const line = encodeLine(`{"lastUpdateId":5,"bids":${side},"asks":[]}`, recvUs, null);
    expect(scan(line)).toEqual(parse(line) as unknown[]);
    expect(scan(line)?.[3]).toHaveLength(count);
  }
});

test("backfilled trades, new members and other symbols are left to JSON", () => {
  const { scan } = readersOf("trade", "float64");
  const trade = `{"e":"trade","E":${ms},"s":"BTCUSDT","t":5,"p":"1.00000000","q":"2.00000000","T":${ms},"m":true,"M":true}`;
  expect(scan(encodeLine(trade, recvUs, 1))).not.toBeNull();
  const rest = `{"id":5,"price":"1.00000000","qty":"2.00000000","quoteQty":"2.00000000","time":${ms},"isBuyerMaker":true,"isBestMatch":true}`;
  const others = [
    encodeBackfilledLine(rest, recvUs),
    encodeLine(trade.replace('"M":true', '"M":true,"Z":1'), recvUs, 1),
    encodeLine(trade.replace("BTCUSDT", "ETHUSDT"), recvUs, 1),
    encodeLine(trade.replace('"t":5', '"t":05'), recvUs, 1),
    encodeLine(trade.replace('"t":5', '"t":9007199254740993'), recvUs, 1),
    encodeLine(trade, recvUs, 1).replace(/\n$/, " \n"),
  ];
  expect(others.map(scan)).toEqual(others.map(() => null));
});
