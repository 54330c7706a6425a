import { expect, test } from "bun:test";
import { contentMark } from "../../../../server/binance/gaps/recent-ids.ts";
import { createSequence } from "../../../../server/binance/gaps/sequence.ts";
import type { Cursor, SequenceVerdict } from "../../../../server/binance/gaps/sequence-types.ts";
import { createStreamState, judge } from "../../../../server/binance/gaps/stream-state.ts";
import { createStream, typeOfKind } from "../../../../server/domain/stream.ts";

/** Trades as several connections bring them; `content` is the trade itself, whatever id it bears. */
function trades() {
  const sequence = createSequence({ contiguous: true, mayVary: false, lastId: null });
  let us = 0;
  const take = (cursor: Cursor, id: number, content = id): SequenceVerdict => {
    us += 100_000;
    return sequence.judge(cursor, { firstId: id, id, mark: contentMark(`${"x".repeat(40)}${content}`), recvUs: us });
  };
  const row = (cursor: Cursor, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, n) => take(cursor, from + n));
  const holes = (beforeUs = us - 1_000_000) =>
    sequence.takeMissingIds(beforeUs).map(({ fromId, toId }) => [fromId, toId]);
  return { sequence, take, row, holes };
}

const once = (verdicts: readonly SequenceVerdict[]) =>
  verdicts.every((verdict) => verdict === "next" || verdict === "late");

test("the first record of all begins no other numbering, however high its id; a jump that no gap explains does", () => {
  const { sequence, take } = trades();
  const cursor = sequence.join();
  expect([take(cursor, 4_000_000_000), take(cursor, 4_000_000_001)]).toEqual(["next", "next"]);
  expect([take(cursor, 9_000_000_000, 1), take(cursor, 9_000_000_001, 2)]).toEqual(["epoch", "next"]);
  expect(sequence.missingIds?.open()).toEqual([]);
});

test("trade ids that jump further than any pause leave no missing trades, on one connection and on two; a gap beside the jump is not proven empty", () => {
  const second = 1_000_000;
  for (const connections of [1, 2]) {
    const state = createStreamState(createStream("BTCUSDT", typeOfKind("aggTrade")), false, null);
    const cursors = Array.from({ length: connections }, () => state.sequence.join());
    let us = 0;
    const take = (id: number) => {
      us += second;
      for (const cursor of cursors)
        state.sequence.judge(cursor, { firstId: id, id, mark: contentMark(`${"x".repeat(40)}${id}`), recvUs: us });
      state.lastRecvUs = us;
    };
    for (const id of [1, 2, 200_000_000, 200_000_001]) take(id);
    expect(judge(state, us, connections)).toEqual([]);
    const cause = "reconnect";
    state.spans.push({ fromUs: us, toUs: us + second, cause, alone: false, provable: connections > 1 });
    for (const id of [400_000_000, 400_000_001]) take(id);
    expect(judge(state, us, connections)).toMatchObject([{ cause, missing: null, holes: [] }]);
    for (const id of [400_000_003, 400_000_004]) take(id);
    expect(judge(state, us, connections)).toMatchObject([{ cause: "missing", missing: 1 }]);
  }
});

test("one id that is 300 too high, then as before: every trade is kept once, only the id that it should have had is missing, and the record with the true id is kept", () => {
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

test("ids that are too high for some records, so long that missing ids were reported: the rest of them is withdrawn", () => {
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

test("one id that is 300 too low, then as before, begins no lasting epoch: only its own id is missing", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 1000);
  expect(take(cursor, 701, 1001)).toBe("epoch");
  expect(once(row(cursor, 1002, 1400))).toBe(true);
  expect(holes()).toEqual([[1001, 1001]]);
  expect(sequence.takeGlitch()).toEqual({ id: 701, notMissing: null });
});

test("wrong ids on a single connection of two double no record, lose no record, and are not reported as missing", () => {
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
    // The trade comes under both of its ids.
    expect(kept.filter((content) => content !== 1001)).toEqual(
      Array.from({ length: 1400 }, (_, n) => n + 1).filter((id) => id !== 1001),
    );
    expect(kept.filter((content) => content === 1001)).toHaveLength(2);
    expect([wrong, ahead, holes(Number.POSITIVE_INFINITY)]).toEqual([wrong, ahead, []]);
  }
});

test("a wrong id as the last id before a cut, or the first id after it, does not hide missing ids", () => {
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

test("a true restart of the ids is recognized, on one connection and on two, without missing ids and not as a glitch", () => {
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

test("real missing ids stay missing, even if later records come in another order", () => {
  const { sequence, take, row, holes } = trades();
  const cursor = sequence.join();
  row(cursor, 1, 10);
  for (const id of [20, 22, 21, 23, 25, 24]) expect(take(cursor, id)).not.toBe("duplicate");
  row(cursor, 26, 60);
  expect(holes()).toEqual([[11, 19]]);
  expect(sequence.takeGlitch()).toBeNull();
});

test("the last id before a cut is 300 too high, and the next connection leaves some trades out: they are missing, however few they are", () => {
  const { sequence, take, row, holes } = trades();
  const first = sequence.join();
  const second = sequence.join();
  row(first, 1, 1000);
  take(first, 1301, 1001);
  expect(take(second, 1010)).toBe("late");
  sequence.leave(first);
  expect(once(row(second, 1011, 1200))).toBe(true);
  expect(holes()).toEqual([[1001, 1009]]);
});

test("the hole that wrong ids of one connection have made, filled by the other until both are cut, lies where the records are missing", () => {
  const { sequence, take } = trades();
  const [right, other] = [sequence.join(), sequence.join()];
  const both = (id: number, wrong = id) => [take(right, id), take(other, wrong, id)];
  for (let id = 1; id <= 1000; id++) both(id);
  both(1001, 1301);
  for (let id = 1002; id <= 1290; id++) both(id);
  const cutUs = other.lastUs;
  for (const cursor of [right, other]) sequence.leave(cursor);
  const next = sequence.join();
  for (let id = 1310; id <= 1330; id++) take(next, id);
  const [hole, ...others] = sequence.takeMissingIds(Number.POSITIVE_INFINITY);
  expect([hole, others]).toEqual([
    { fromId: 1291, toId: 1300, fromUs: expect.any(Number), toUs: expect.any(Number) },
    [expect.objectContaining({ fromId: 1302, toId: 1309 })],
  ]);
  expect(hole?.fromUs).toBeGreaterThan(cutUs - 6_000_000);
  expect(hole?.toUs).toBe(next.firstUs);
});

/** Books with their number as id, unless another id is given; each is recorded once or the test fails. */
function books() {
  const sequence = createSequence({ contiguous: false, mayVary: false, lastId: null });
  const seen = new Set<number>();
  let us = 0;
  const bring = (cursor: Cursor, book: number, id = book) => {
    us += 50_000;
    if (
      sequence.judge(cursor, { firstId: id, id, mark: contentMark(`${"x".repeat(40)}${book} ${id}`), recvUs: us }) ===
      "duplicate"
    )
      return;
    expect([book, seen.has(book)]).toEqual([book, false]);
    seen.add(book);
  };
  return { sequence, seen, bring };
}

test("books are kept once if one connection has delivered a wrong id that the other connection reaches later", () => {
  const { sequence, seen, bring } = books();
  const [ahead, behind] = [sequence.join(), sequence.join()];
  for (let book = 1; book <= 100; book++) for (const cursor of [ahead, behind]) bring(cursor, book);
  bring(behind, 101, 106);
  for (let book = 102; book <= 110; book++) bring(ahead, book);
  for (let book = 102; book <= 110; book++) bring(behind, book);
  for (let book = 111; book <= 200; book++) for (const cursor of [ahead, behind]) bring(cursor, book);
  expect(seen.size).toBe(200);
});

test("books of a connection that lags behind are kept once, however many epochs wrong ids seem to begin on the other connection", () => {
  const { sequence, seen, bring } = books();
  const [ahead, behind] = [sequence.join(), sequence.join()];
  const idOf = (book: number) =>
    book > 100 && book <= 105 ? book + 773 : book > 107 && book <= 109 ? book - 60 : book;
  for (let book = 1; book <= 300; book++) {
    bring(ahead, book, idOf(book));
    if (book > 7) bring(behind, book - 7, idOf(book - 7));
  }
  expect(seen.size).toBe(300);
});
