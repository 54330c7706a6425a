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

test("missing ids are reported with the records around them", () => {
  expect(chainOf("aggTrade", live(1), live(2), live(6), live(7)).report()).toEqual({
    holes: [{ fromId: 3, toId: 5, fromUs: 2 * second, toUs: 6 * second }],
    setbacks: [],
    doubled: 0,
  });
});

test("backfilled records fill missing ids, at any position and in any order; the rest is reported", () => {
  const lines = [refetched(4), live(1), live(2), refetched(5), live(9), refetched(8), refetched(3)];
  const { holes, doubled } = chainOf("aggTrade", ...lines).report();
  expect(holes.map(({ fromId, toId }) => [fromId, toId])).toEqual([[6, 7]]);
  expect(doubled).toBe(0);
});

test("a backfilled record that was already recorded counts as duplicated, once for each copy", () => {
  expect(chainOf("aggTrade", live(1), live(2), live(3), refetched(2)).report().doubled).toBe(1);
  const twice = [live(1), refetched(2), refetched(3), refetched(2), refetched(3), live(4)];
  expect(chainOf("aggTrade", ...twice).report()).toEqual({ holes: [], setbacks: [], doubled: 2 });
});

test("missing ids over midnight are reported for the day on which they end, and filled by records backfilled for the day before", () => {
  const chain = chainOf("aggTrade", live(1), live(2), refetched(3), refetched(4));
  expect(chain.report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
  chain.add(Buffer.from([live(6), live(7)].join("")));
  const { holes, doubled } = chain.report();
  expect(holes.map(({ fromId, toId }) => [fromId, toId])).toEqual([[5, 5]]);
  expect(doubled).toBe(0);
});

test("backfilled records from before the start of the recording are neither missing nor duplicated", () => {
  expect(chainOf("aggTrade", refetched(3), live(5), live(6)).report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
});

test("an id that does not rise is reported, for books as well; a book's id may jump", () => {
  const book = (id: number) => encodeLine(`{"lastUpdateId":${id},"bids":[],"asks":[]}`, id * second, null);
  const { holes, setbacks } = chainOf("partialDepth", book(1), book(9), book(9), book(12)).report();
  expect(holes).toEqual([]);
  expect(setbacks).toEqual([{ id: 9, before: 9, fromUs: 9 * second, toUs: 9 * second }]);
});

test("a late row of a slower connection is in order if it is new; a copy and a much older row are reported", () => {
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

test("a diff whose ids overlap with earlier ids is reported, however soon it comes", () => {
  const diff = (U: number, u: number, s: number) =>
    encodeLine(`{"e":"depthUpdate","E":1,"s":"X","U":${U},"u":${u},"b":[],"a":[]}`, s * second, 5);
  expect(chainOf("diffDepth", diff(1, 4, 1), diff(8, 9, 2), diff(5, 7, 3)).report().setbacks).toEqual([]);
  expect(chainOf("diffDepth", diff(1, 4, 1), diff(3, 6, 2)).report().setbacks).toHaveLength(1);
});

test("diffs follow each other from U to u", () => {
  const diff = (U: number, u: number) =>
    encodeLine(`{"e":"depthUpdate","E":1,"s":"X","U":${U},"u":${u},"b":[],"a":[]}`, u, 5);
  expect(chainOf("diffDepth", diff(1, 4), diff(5, 5), diff(6, 9)).report().holes).toEqual([]);
  expect(chainOf("diffDepth", diff(1, 4), diff(6, 9)).report().holes).toMatchObject([{ fromId: 5, toId: 5 }]);
});

test("ids that a diff covers are not missing, also if it begins with ids that another diff covers", () => {
  const diff = (U: number, u: number) =>
    encodeLine(`{"e":"depthUpdate","E":1,"s":"X","U":${U},"u":${u},"b":[],"a":[]}`, u, 5);
  expect(chainOf("diffDepth", diff(1, 4), diff(3, 6), diff(7, 9)).report().holes).toEqual([]);
  expect(chainOf("diffDepth", diff(1, 4), diff(9, 12), diff(4, 8), diff(13, 13)).report().holes).toEqual([]);
  const { holes } = chainOf("diffDepth", diff(1, 4), diff(9, 12), diff(4, 6), diff(13, 13)).report();
  expect(holes.map(({ fromId, toId }) => [fromId, toId])).toEqual([[7, 8]]);
});

test("missing diffs are found also if Binance sends further members between the ids", () => {
  const diff = (U: number, u: number) => encodeLine(`{"e":"depthUpdate","U":${U},"pu":${U - 1},"u":${u},"b":[]}`, u, 5);
  const { holes, setbacks } = chainOf("diffDepth", diff(1, 4), diff(5, 8), diff(10, 12)).report();
  expect(holes.map(({ fromId, toId }) => [fromId, toId])).toEqual([[9, 9]]);
  expect(setbacks).toEqual([]);
});

test("trades whose ids jump further than any pause are a new numbering, without missing trades", () => {
  const far = 200_000_000;
  const { holes } = chainOf("aggTrade", live(1), live(2), live(far), live(far + 1), live(far + 3)).report();
  expect(holes.map(({ fromId, toId }) => [fromId, toId])).toEqual([[far + 2, far + 2]]);
});

test("the ids of REST books are no proof", () => {
  expect(createIdCheck("depthSnapshot")).toBeNull();
});

test("the ids of a failed read are forgotten, so that the file can be read again", () => {
  const chain = chainOf("aggTrade", live(1), live(2));
  const mark = chain.mark();
  chain.add(Buffer.from(live(3) + refetched(9) + live(5)));
  chain.returnTo(mark);
  chain.add(Buffer.from([live(3), live(4), live(5)].join("")));
  expect(chain.report()).toEqual({ holes: [], setbacks: [], doubled: 0 });
});
