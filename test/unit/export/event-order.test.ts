import { expect, test } from "bun:test";
import { createEventOrder, type EventMessage } from "../../../server/export/backtest/event-order.ts";
import { realDay } from "../../support/data/real-folder.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

type Emitted = readonly [name: number, valid: string];

const message = (name: number, exchUs: number, localUs: number, more: Partial<EventMessage> = {}): EventMessage => ({
  ...{ exchUs, localUs, isTrade: false, isReceived: true, events: [name, 0, 0] },
  ...more,
});

/** Orders messages whose times are all known. */
function ordered(messages: readonly EventMessage[]): Emitted[] {
  const emitted: Emitted[] = [];
  const order = createEventOrder(({ events }, valid) => void emitted.push([events[0] ?? 0, valid]), 1e6);
  for (const next of messages) order.add(next);
  order.finish();
  return emitted;
}

test("messages in one order for both sides are emitted once; a late message is emitted for each side at its place", () => {
  expect(ordered([message(1, 10, 20), message(2, 11, 21)])).toEqual([
    [1, "both"],
    [2, "both"],
  ]);
  // 1 happened last and was received first.
  expect(ordered([message(1, 30, 40), message(2, 10, 41), message(3, 50, 60)])).toEqual([
    [2, "exchange"],
    [1, "both"],
    [2, "local"],
    [3, "both"],
  ]);
});

test("a trade comes before a book change of the same exchange time, and a backfilled trade for the exchange alone", () => {
  const trade = { isTrade: true };
  expect(ordered([message(1, 10, 20), message(2, 10, 21, trade), message(3, 10, 22, trade)])).toEqual([
    [1, "local"],
    [2, "both"],
    [3, "both"],
    [1, "exchange"],
  ]);
  expect(ordered([message(1, 10, 20), message(2, 9, 21, { ...trade, isReceived: false })])).toEqual([
    [2, "exchange"],
    [1, "both"],
  ]);
});

test("released in parts, the rows are the same, and both sides' times never fall", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  let localUs = 1000;
  const messages = Array.from({ length: 3000 }, (_, n) => {
    localUs += random(5);
    const isTrade = random(3) === 0;
    const isReceived = !isTrade || random(10) > 0;
    return message(n, localUs - 1 - random(40), localUs, { isTrade, isReceived });
  });
  const rows: { at: EventMessage; valid: string }[] = [];
  const order = createEventOrder((at, valid) => void rows.push({ at, valid }), 1e6);
  const earliest = messages.map((_, n) => Math.min(...messages.slice(n + 1).map(({ exchUs }) => exchUs)));
  for (const [n, next] of messages.entries()) {
    order.add(next);
    order.release(earliest[n] ?? 0);
  }
  order.finish();
  expect([seed, rows.map(({ at, valid }): Emitted => [at.events[0] ?? 0, valid])]).toEqual([seed, ordered(messages)]);
  for (const [side, time] of [
    ["exchange", "exchUs"],
    ["local", "localUs"],
  ] as const) {
    const valid = rows.filter((row) => row.valid === "both" || row.valid === side).map(({ at }) => at);
    const expected = side === "exchange" ? messages : messages.filter(({ isReceived }) => isReceived);
    expect([seed, valid.map(({ events }) => events[0]).sort()]).toEqual([
      seed,
      expected.map(({ events }) => events[0]).sort(),
    ]);
    for (let n = 1; n < valid.length; n++)
      expect((valid[n]?.[time] ?? 0) >= (valid[n - 1]?.[time] ?? 0) || `seed ${seed}, row ${n}`).toBe(true);
  }
});

test("if far too many events wait for their turn, the time of the record is named", () => {
  const order = createEventOrder(() => {}, 10);
  const add = () => {
    for (let n = 0; n < 20; n++)
      order.add(message(n, Date.parse("2026-11-21") * 1000, Date.parse("2026-11-21") * 1000));
  };
  expect(add).toThrow("over 10 events wait for a record that arrived far too late (near 2026-11-21T00:00:00.000Z)");
});

/** The events that hftbacktest's own converters make of the capture: all diffs, and the REST book as it came. */
test.skipIf(realDataMissing !== "")(
  `a real capture: 135,849 events make the 138,017 rows of hftbacktest's own order${realDataMissing}`,
  () => {
    const times = new Map<string, readonly [time: string, isTrade: boolean]>([
      ["depth", ["E", false]],
      ["trade", ["T", true]],
    ]);
    let eventUs = 0;
    const messages = realDay().flatMap(({ t, stream, symbol, payload }) => {
      const [member = "", isTrade = false] = times.get(stream) ?? [];
      if (symbol !== "BTCUSDT" || (member === "" && stream !== "depthSnapshot")) return [];
      const data = JSON.parse(payload) as Record<string, number> & Record<"a" | "b" | "asks" | "bids", unknown[]>;
      if (member !== "") eventUs = (data[member] as number) * 1000;
      // The REST book clears both sides before it sets its levels.
      const count = isTrade ? 1 : (data.b ?? data.bids).length + (data.a ?? data.asks).length + (member === "" ? 2 : 0);
      return [message(0, eventUs, t * 1000, { isTrade, events: new Array(3 * count).fill(0) })];
    });
    const rowsOf = (all: readonly EventMessage[]) => {
      let rows = 0;
      const order = createEventOrder(({ events }) => {
        rows += events.length / 3;
      }, 1e9);
      for (const next of all) {
        order.add(next);
        // No message of the capture came more than three seconds later than another message.
        order.release(next.exchUs - 3e6);
      }
      order.finish();
      return rows;
    };
    expect(messages.reduce((sum, { events }) => sum + events.length / 3, 0)).toBe(135_849);
    // Its merge knows no trades: those of the same millisecond as a diff stay behind it.
    expect(rowsOf(messages.map((next) => ({ ...next, isTrade: false })))).toBe(138_017);
    expect(rowsOf(messages)).toBe(142_382);
  },
  20_000,
);
