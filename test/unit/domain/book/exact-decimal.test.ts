import { expect, test } from "bun:test";
import { levelsText, readBookDiff, readBookImage } from "../../../../server/domain/book/book-text.ts";
import { exactDecimal, paddedDecimal, plainDecimal } from "../../../../server/domain/book/exact-decimal.ts";

const digits = (count: number) => Array.from({ length: count }, () => Math.floor(Math.random() * 10)).join("");

test("a decimal comes back digit by digit, as padded by the exchange and without zeros at its end", () => {
  for (let n = 0; n < 3000; n++) {
    const whole = String(BigInt(digits(1 + Math.floor(Math.random() * 11))));
    const part = digits(8);
    const value = exactDecimal(`${whole}.${part}`);
    if (value === null) throw new Error(`${whole}.${part} was refused`);
    const short = `${whole}.${part}`.replace(/\.?0+$/, "");
    expect([paddedDecimal(value, 8), plainDecimal(value)]).toEqual([`${whole}.${part}`, short]);
  }
});

test("decimals with more digits than a number tells apart are kept as text, so that each equals itself alone", () => {
  const [capped, below] = ["92233720368.54775807", "92233720368.54775806"];
  expect(Number(capped)).toBe(Number(below));
  expect([exactDecimal(capped), exactDecimal(below)]).toEqual([capped, below]);
  expect(exactDecimal("12345678901.00000000")).toBe(12345678901);
  expect(exactDecimal("92233720368.547758060")).toBe(below);
  expect(paddedDecimal(below, 9)).toBe("92233720368.547758060");
  for (const text of ["", ".", "1.", ".5", "-1", "1e5", "1.2.3", "x"]) expect(exactDecimal(text)).toBeNull();
});

test("a payload is read where it stands within a larger text, with ids, levels and their number of digits", () => {
  const payload =
    '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"],["0.00230000","92233720368.54775807"]],"a":[]}';
  const before = '{"U":1,"u":2,"b":[["1","1"]],"a":[["2","2"]]}\n';
  const text = `${before}${payload}\n${before}`;
  expect(readBookDiff(text, before.length, before.length + payload.length)).toEqual({
    firstId: 157,
    lastId: 160,
    previousId: null,
    bids: { prices: [0.0024, 0.0023], quantities: [10, "92233720368.54775807"] },
    asks: { prices: [], quantities: [] },
    decimals: { price: 8, quantity: 8 },
  });
  expect(readBookDiff('{"U":5,"u":6,"pu":3,"b":[],"a":[]}')?.previousId).toBe(3);
  const image = readBookImage('{"lastUpdateId":-1,"bids":[["4.50000000","431.00000000"]],"asks":[]}');
  expect(image?.lastUpdateId).toBe(-1);
  expect(image && levelsText(image.bids, image.decimals)).toBe('[["4.50000000","431.00000000"]]');
});

test("a payload of another form, or cut off anywhere, is refused", () => {
  const diff = '{"U":157,"u":160,"b":[["0.0024","10"],["0.0023","1"]],"a":[["0.0025","3"]]}';
  const end = diff.lastIndexOf("]");
  for (let to = 0; to < end; to++) expect(readBookDiff(diff.slice(0, to))).toBeNull();
  expect(readBookDiff(`${diff.slice(0, 40)}\n${diff}`, 0, 40)).toBeNull();
  expect(readBookDiff(diff.replace('"10"', '"-10"'))).toBeNull();
  expect(readBookDiff(diff.replace('"10"', "10"))).toBeNull();
  expect(readBookDiff(diff.replace("0.0024", "1234567890.12345678"))).toBeNull();
  expect(readBookImage(diff)).toBeNull();
});
