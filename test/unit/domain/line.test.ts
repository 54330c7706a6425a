import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeLine, encodeLine, recordId } from "../../../server/domain/line.ts";

test("a line keeps the payload's members byte for byte, after our own members", () => {
  const payload = '{"lastUpdateId":48291849102,"bids":[["86704.77000000","4.67805000"]],"asks":[]}';
  expect(encodeLine(payload, 1763800000123456, 114)).toBe(
    '{"recv_us":1763800000123456,"net_delay_ms":114,"lastUpdateId":48291849102,"bids":[["86704.77000000","4.67805000"]],"asks":[]}\n',
  );
  expect(encodeLine("{}", 1, null)).toBe('{"recv_us":1,"net_delay_ms":null}\n');
});

test("any JSON object is decoded from its line exactly as it was encoded", () => {
  const payloads = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(
      payloads,
      fc.integer({ min: 0, max: 2 ** 51 }),
      fc.option(fc.integer({ min: 0, max: 99999 })),
      (payload, us, delay) => {
        const line = encodeLine(payload, us, delay);
        expect(JSON.parse(line)).toBeTruthy();
        expect(decodeLine(line.slice(0, -1))).toEqual({
          recvUs: us,
          netDelayMs: delay,
          repaired: payload.startsWith('{"repaired":true'),
          payload,
        });
      },
    ),
  );
});

test("foreign lines are rejected", () => {
  for (const line of [
    "",
    "{}",
    '{"recv_us":1',
    '{"recv_us":1,"net_delay_ms":null',
    '{"net_delay_ms":1,"recv_us":1}',
    "\0\0\0",
  ]) {
    expect(decodeLine(line)).toBeNull();
  }
});

test("the id of a stored line is Binance's, not a part of our members", () => {
  expect(recordId('{"recv_us":1,"net_delay_ms":2,"lastUpdateId":77,"bids":[],"asks":[]}', "partialDepth")).toBe(77);
  expect(
    recordId('{"recv_us":1,"net_delay_ms":2,"e":"depthUpdate","E":5,"s":"X","U":8,"u":9,"b":[],"a":[]}', "diffDepth"),
  ).toBe(9);
  expect(
    recordId(
      '{"recv_us":1,"net_delay_ms":2,"e":"aggTrade","E":5,"s":"X","a":6,"p":"1","q":"1","f":3,"l":4}',
      "aggTrade",
    ),
  ).toBe(6);
});
