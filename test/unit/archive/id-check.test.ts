import { expect, test } from "bun:test";
import { encodeBackfilledLine, encodeLine } from "../../../server/domain/line.ts";
import type { StreamKind } from "../../../server/domain/stream-kinds.ts";
import { createIdCheck, type IdCheck } from "../../../server/storage/ids/id-check.ts";

const second = 1_000_000;
const live = (id: number) => encodeLine(`{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"p":"1"}`, id * second, 5);
const refetched = (id: number) => encodeBackfilledLine(`{"a":${id},"p":"1","T":${id}}`, id * second);

function chainOf(kind: StreamKind, ...lines: string[]): IdCheck {
  const chain = createIdCheck(kind);
  if (chain === null) throw new Error(`${kind} has no chain`);
  chain.add(Buffer.from(lines.join("")));
  return chain;
}

test("a hole is told with the ids that are missing and the records around it", () => {
  expect(chainOf("aggTrade", live(1), live(2), live(6), live(7)).report()).toEqual({
    holes: [{ firstId: 3, lastId: 5, fromUs: 2 * second, toUs: 6 * second }],
    setbacks: [],
    doubled: 0,
  });
});

test("refetched records fill a hole, wherever they stand and in whatever order; what is left of it is told", () => {
  const lines = [refetched(4), live(1), live(2), refetched(5), live(9), refetched(8), refetched(3)];
  const { holes, doubled } = chainOf("aggTrade", ...lines).report();
  expect(holes.map(({ firstId, lastId }) => [firstId, lastId])).toEqual([[6, 7]]);
  expect(doubled).toBe(0);
});

test("a refetched record that was there already is doubled, once for each time", () => {
  expect(chainOf("aggTrade", live(1), live(2), live(3), refetched(2)).report().doubled).toBe(1);
  const twice = [live(1), refetched(2), refetched(3), refetched(2), refetched(3), live(4)];
  expect(chainOf("aggTrade", ...twice).report()).toEqual({ holes: [], setbacks: [], doubled: 2 });
});

test("a hole over midnight is told on the day on which it ends, and filled by what was refetched for the day before", () => {
  const chain = chainOf("aggTrade", live(1), live(2), refetched(3), refetched(4));
  expect(chain.report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
  chain.add(Buffer.from([live(6), live(7)].join("")));
  const { holes, doubled } = chain.report();
  expect(holes.map(({ firstId, lastId }) => [firstId, lastId])).toEqual([[5, 5]]);
  expect(doubled).toBe(0);
});

test("what was refetched from before the recording began is neither missing nor doubled", () => {
  expect(chainOf("aggTrade", refetched(3), live(5), live(6)).report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
});

test("an id that does not rise is told, of books as well; a book may jump", () => {
  const book = (id: number) => encodeLine(`{"lastUpdateId":${id},"bids":[],"asks":[]}`, id * second, null);
  const { holes, setbacks } = chainOf("partialDepth", book(1), book(9), book(9), book(12)).report();
  expect(holes).toEqual([]);
  expect(setbacks).toEqual([{ id: 9, before: 9, fromUs: 9 * second, toUs: 9 * second }]);
});

test("a row that a slower connection brings late is in order if nobody had brought it; a copy, and a row of long ago, are told", () => {
  const trade = (id: number, us: number) => encodeLine(`{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"p":"1"}`, us, 5);
  const book = (id: number, us: number) => encodeLine(`{"lastUpdateId":${id},"bids":[],"asks":[]}`, us, null);
  for (const [kind, row] of [["aggTrade", trade] as const, ["partialDepth", book] as const]) {
    const setbacks = (...rows: readonly (readonly [id: number, s: number])[]) => {
      const report = chainOf(kind, ...rows.map(([id, s]) => row(id, s * second))).report();
      return [report.setbacks.map(({ id }) => id), report.holes.length];
    };
    expect(setbacks([1, 0], [4, 1], [5, 2], [2, 3], [3, 4], [6, 5])).toEqual([[], 0]);
    expect(setbacks([4, 1], [2, 2], [3, 2], [5, 3])).toEqual([[], 0]);
    expect(setbacks([1, 0], [4, 1], [2, 3], [3, 3], [2, 4], [5, 5])).toEqual([[2], 0]);
    expect(setbacks([1, 0], [4, 1], [5, 2], [2, 40], [3, 41], [6, 42])).toEqual([[2, 3], 0]);
  }
});

test("a book that comes late, after midnight, does not count among the ids of the new day", () => {
  const book = (id: number, s: number) => encodeLine(`{"lastUpdateId":${id},"bids":[],"asks":[]}`, s * second, null);
  const chain = chainOf("partialDepth", book(1, 1), book(7, 2));
  chain.report();
  expect(chain.takeRuns()).toEqual([{ first: 1, last: 7 }]);
  chain.add(Buffer.from(book(5, 3) + book(9, 4) + book(6, 5) + book(12, 6)));
  expect(chain.takeRuns()).toEqual([{ first: 9, last: 12 }]);
});

test("a diff whose ids lie partly among those before is told, however soon it comes", () => {
  const diff = (U: number, u: number, s: number) =>
    encodeLine(`{"e":"depthUpdate","E":1,"s":"X","U":${U},"u":${u},"b":[],"a":[]}`, s * second, 5);
  expect(chainOf("diffDepth", diff(1, 4, 1), diff(8, 9, 2), diff(5, 7, 3)).report().setbacks).toEqual([]);
  expect(chainOf("diffDepth", diff(1, 4, 1), diff(3, 6, 2)).report().setbacks).toHaveLength(1);
});

test("diffs follow each other from U to u", () => {
  const diff = (U: number, u: number) =>
    encodeLine(`{"e":"depthUpdate","E":1,"s":"X","U":${U},"u":${u},"b":[],"a":[]}`, u, 5);
  expect(chainOf("diffDepth", diff(1, 4), diff(5, 5), diff(6, 9)).report().holes).toEqual([]);
  expect(chainOf("diffDepth", diff(1, 4), diff(6, 9)).report().holes).toMatchObject([{ firstId: 5, lastId: 5 }]);
});

test("REST books prove nothing by their ids", () => {
  expect(createIdCheck("depthSnapshot")).toBeNull();
});

test("what was read in vain is forgotten, so that it can be read again", () => {
  const chain = chainOf("aggTrade", live(1), live(2));
  const mark = chain.mark();
  chain.add(Buffer.from(live(3) + refetched(9) + live(5)));
  chain.returnTo(mark);
  chain.add(Buffer.from([live(3), live(4), live(5)].join("")));
  expect(chain.report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
});
