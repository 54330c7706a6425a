import { expect, test } from "bun:test";
import { createSequence } from "../../server/binance/sequence.ts";
import type { Cursor, Verdict } from "../../server/binance/sequence-types.ts";

/** Trades as several connections bring them; `content` is the trade itself, whatever id it bears. */
function trades() {
  const sequence = createSequence({ contiguous: true, mayVary: false, lastId: null });
  let us = 0;
  const take = (cursor: Cursor, id: number, content = id): Verdict => {
    us += 100_000;
    return sequence.judge(cursor, id, id, `${"x".repeat(40)}${content}`, us);
  };
  const row = (cursor: Cursor, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => take(cursor, from + n));
  const holes = (beforeUs = us - 1_000_000) => sequence.takeHoles(beforeUs).map(({ fromId, toId }) => [fromId, toId]);
  return { sequence, take, row, holes };
}

const once = (verdicts: readonly Verdict[]) => verdicts.every((verdict) => verdict === "next" || verdict === "late");

test("the first record of all begins no other numbering, however high its id; a jump that no gap explains does", () => {
  const { sequence, take } = trades();
  const cursor = sequence.join();
  expect([take(cursor, 4_000_000_000), take(cursor, 4_000_000_001)]).toEqual(["next", "next"]);
  expect([take(cursor, 9_000_000_000, 1), take(cursor, 9_000_000_001, 2)]).toEqual(["epoch", "next"]);
  expect(sequence.holes?.open()).toEqual([]);
});

test("one id that is 300 too high, then as before: every trade is kept once, nothing is missing but the id it should have borne, and the true bearer of the id is kept", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 1000);
  expect(take(cursor, 1301, 1001)).toBe("next");
  const verdicts = row(cursor, 1002, 1500);
  expect(once(verdicts)).toBe(true);
  expect(holes()).toEqual([[1001, 1001]]);
  expect(sequence.takeGlitch()).toEqual({ id: 1301, notMissing: null });
  expect(row(cursor, 1490, 1500).every((verdict) => verdict === "duplicate")).toBe(true);
});

test("ids that are too high for some records, so long that a hole was told: the rest of it is taken back", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 1000);
  for (let n = 1; n <= 30; n++) take(cursor, 1300 + n, 1000 + n);
  expect(holes()).toEqual([[1001, 1300]]);
  expect(once(row(cursor, 1031, 1500))).toBe(true);
  expect(sequence.takeGlitch()).toEqual({
    id: 1330,
    notMissing: expect.objectContaining({ fromId: 1031, toId: 1300 }),
  });
  expect(holes()).toEqual([]);
});

test("one id that is 300 too low, then as before, begins no numbering for good: nothing is missing but its own id", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 1000);
  expect(take(cursor, 701, 1001)).toBe("epoch");
  expect(once(row(cursor, 1002, 1400))).toBe(true);
  expect(holes()).toEqual([[1001, 1001]]);
  expect(sequence.takeGlitch()).toEqual({ id: 701, notMissing: null });
});

test("of two connections of which one alone brings wrong ids nothing is doubled, lost, or told to be missing", () => {
  for (const [wrong, ahead] of [
    [1301, "right"],
    [1301, "wrong"],
    [701, "right"],
    [701, "wrong"],
  ] as const) {
    const { sequence, take, holes } = trades();
    const [right, other] = [sequence.join(), sequence.join()];
    const kept: number[] = [];
    const bring = (cursor: Cursor, id: number, content = id) => {
      if (take(cursor, id, content) !== "duplicate") kept.push(content);
    };
    for (let id = 1; id <= 1400; id++) {
      const both = [() => bring(right, id), () => bring(other, id === 1001 ? wrong : id, id)];
      for (const one of ahead === "right" ? both : both.reverse()) one();
    }
    // The one trade comes under both of its ids.
    expect(kept.filter((content) => content !== 1001)).toEqual(
      Array.from({ length: 1400 }, (_, n) => n + 1).filter((id) => id !== 1001),
    );
    expect(kept.filter((content) => content === 1001)).toHaveLength(2);
    expect([wrong, ahead, holes(Number.POSITIVE_INFINITY)]).toEqual([wrong, ahead, []]);
  }
});

test("a wrong id as the last one before a cut, and as the first one behind it, hides nothing of what is missing", () => {
  for (const where of ["before", "behind"]) {
    const { sequence, take, row, holes } = trades();
    const first = sequence.join();
    row(first, 1, 1000);
    if (where === "before") take(first, 1301, 1001);
    sequence.leave(first);
    const second = sequence.join();
    if (where === "behind") take(second, 1310, 1010);
    expect(once(row(second, 1011, 1200))).toBe(true);
    expect(holes()).toEqual([[1001, 1010]]);
    expect(once(row(second, 1201, 1500))).toBe(true);
    expect(holes()).toEqual([]);
  }
});

test("a true new numbering is recognized, on one connection and on two, and nothing of it is missing or taken for a glitch", () => {
  for (const lag of [0, 5]) {
    const { sequence, take, row, holes } = trades();
    const a = sequence.join();
    const b = sequence.join();
    row(a, 1, 1000);
    row(b, 1, 1000 - lag);
    const kept: number[] = [];
    for (let n = 1; n <= 200; n++) {
      if (take(a, 500 + n, 5000 + n) !== "duplicate") kept.push(n);
      const behind = n - lag;
      const isDuplicate = behind > 0 ? take(b, 500 + behind, 5000 + behind) : take(b, 1000 + behind);
      expect(isDuplicate).toBe("duplicate");
    }
    expect(kept).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    expect([holes(), sequence.takeGlitch()]).toEqual([[], null]);
  }
});

test("a hole that is one stays one, also where records come in another order behind it", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 10);
  for (const id of [20, 22, 21, 23, 25, 24]) expect(take(cursor, id)).not.toBe("duplicate");
  row(cursor, 26, 60);
  expect(holes()).toEqual([[11, 19]]);
  expect(sequence.takeGlitch()).toBeNull();
});
