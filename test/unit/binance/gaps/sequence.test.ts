import { expect, test } from "bun:test";
import fc from "fast-check";
import { contentMark } from "../../../../server/binance/gaps/recent-ids.ts";
import { createSequence } from "../../../../server/binance/gaps/sequence.ts";
import type { Cursor, SequenceVerdict } from "../../../../server/binance/gaps/sequence-types.ts";
import { randomRuns } from "../../../support/time/random-runs.ts";

const contiguous = { contiguous: true, mayVary: false, lastId: null };
const sparse = { contiguous: false, mayVary: false, lastId: null };

/** Judges ids as they come; the content of an id is `text` or the same everywhere. */
function judging(options: Parameters<typeof createSequence>[0]) {
  const sequence = createSequence(options);
  let us = 0;
  const take = (cursor: Cursor, id: number, text = "same"): SequenceVerdict =>
    sequence.judge(cursor, {
      firstId: id,
      id,
      mark: contentMark(`${"x".repeat(40)}${id} ${text}`),
      recvUs: ++us,
    });
  const wait = (forUs: number) => {
    us += forUs;
  };
  return { sequence, take, wait };
}

test("the first of two connections to deliver an id wins, whichever is ahead; the other connection's messages are duplicates", () => {
  const { sequence, take } = judging(sparse);
  const [a, b] = [sequence.join(), sequence.join()];
  const verdicts = [take(a, 10), take(a, 20), take(b, 10), take(b, 20), take(b, 30), take(a, 30), take(a, 40)];
  expect(verdicts).toEqual(["next", "next", "duplicate", "duplicate", "next", "duplicate", "next"]);
});

test("a message that one connection left out and the other delivers later is kept", () => {
  const { sequence, take } = judging(contiguous);
  const [a, b] = [sequence.join(), sequence.join()];
  const verdicts = [take(a, 1), take(a, 2), take(a, 4), take(b, 1), take(b, 2), take(b, 3), take(b, 4)];
  expect(verdicts).toEqual(["next", "next", "next", "duplicate", "duplicate", "late", "duplicate"]);
  expect(sequence.missingIds?.waiting()).toBe(0);
});

test("ids that start again lower on every connection are a new epoch: each message is kept once, late old messages are not doubled", () => {
  const { sequence, take } = judging(contiguous);
  const [a, b] = [sequence.join(), sequence.join()];
  for (const id of [100, 101, 102]) take(a, id);
  take(b, 100);
  const verdicts = [
    ...[take(a, 101, "anew"), take(a, 102, "anew"), take(b, 101), take(b, 102), take(a, 103, "anew")],
    ...[take(b, 101, "anew"), take(b, 102, "anew"), take(b, 103, "anew"), take(b, 104, "anew"), take(a, 104, "anew")],
  ];
  expect(verdicts).toEqual([
    ...(["epoch", "next", "duplicate", "duplicate", "next"] as const),
    ...(["duplicate", "duplicate", "duplicate", "next", "duplicate"] as const),
  ]);
});

test("a replacing connection that shows restarted ids before the old connection does is in the new epoch, and loses nothing after it", () => {
  const { sequence, take, wait } = judging(contiguous);
  const a = sequence.join();
  for (const id of [100, 101, 102, 1001, 1002]) take(a, id);
  sequence.takeMissingIds(Number.POSITIVE_INFINITY, 1);
  wait(60_000_000);
  const b = sequence.join();
  const verdicts = [take(b, 500), take(a, 500), take(b, 501), take(a, 501)];
  sequence.leave(a);
  for (const id of [502, 503, 504, 510]) verdicts.push(take(b, id));
  expect(verdicts).toEqual(["duplicate", "epoch", "next", "duplicate", "next", "next", "next", "next"]);
  expect(sequence.missingIds?.open().map(({ fromId, toId }) => [fromId, toId])).toEqual([[505, 509]]);
});

test("a connection that is alone and rises below the highest id is in a new epoch", () => {
  const { sequence, take, wait } = judging(contiguous);
  const a = sequence.join();
  for (const id of [100, 101, 102, 1001, 1002]) take(a, id);
  sequence.takeMissingIds(Number.POSITIVE_INFINITY, 1);
  wait(60_000_000);
  const b = sequence.join();
  take(b, 500);
  sequence.leave(a);
  expect([501, 502, 503].map((id) => take(b, id))).toEqual(["epoch", "next", "next"]);
});

test("ids that restart far behind the beginning of a range of missing ids have restarted; ids close behind it have returned", () => {
  for (const [next, verdict, missing] of [
    [3000, "epoch", [[103, 4999]]],
    [106, "late", [[103, 105]]],
  ] as const) {
    const { sequence, take } = judging(contiguous);
    const a = sequence.join();
    for (const id of [100, 101, 102, 5000, 5001, 5002]) take(a, id);
    expect([take(a, next), take(a, next + 1)]).toEqual([verdict, "next"]);
    expect(sequence.missingIds?.open().map(({ fromId, toId }) => [fromId, toId])).toEqual(missing as never);
  }
});

test("a new numbering that jumps far ahead of the old numbering's last id has not returned to it", () => {
  const { sequence, take } = judging(contiguous);
  const a = sequence.join();
  for (const id of [2000, 2001, 2002]) take(a, id);
  expect([1000, 1001, 5000, 5001].map((id) => take(a, id))).toEqual(["epoch", "next", "next", "next"]);
  expect(sequence.missingIds?.open().map(({ fromId, toId }) => [fromId, toId])).toEqual([[1002, 4999]]);
});

test("a connection that has been alone for longer than it may lag is not behind the highest id: its numbering is new", () => {
  const { take, sequence, wait } = judging(sparse);
  const a = sequence.join();
  for (const id of [100, 5000]) take(a, id);
  const b = sequence.join();
  expect(take(b, 110)).toBe("late");
  sequence.leave(a);
  expect(take(b, 120)).toBe("late");
  wait(31_000_000);
  expect([take(b, 130), take(b, 140)]).toEqual(["epoch", "next"]);
});

test("swapped neighbours are late, not a new epoch; a repeated message of one connection is a duplicate", () => {
  const { sequence, take } = judging(sparse);
  const cursor = sequence.join();
  expect([10, 30, 20, 40, 40, 30].map((id) => take(cursor, id))).toEqual([
    ...(["next", "next", "late", "next", "duplicate", "duplicate"] as const),
  ]);
});

test("a new connection's repeat of the record that was written last by the run before is a duplicate, for some seconds", () => {
  for (const options of [contiguous, sparse]) {
    const { sequence, take } = judging({ ...options, repeatedIds: [500] });
    const [a, b] = [sequence.join(), sequence.join()];
    expect([take(a, 500), take(b, 500), take(a, 504), take(b, 500)]).toEqual([
      ...(["duplicate", "duplicate", "next", "duplicate"] as const),
    ]);
    // No id behind it counts as missing, and a numbering that comes as far again is recorded.
    expect(sequence.takeMissingIds(Number.POSITIVE_INFINITY)).toEqual([]);
    const later = sequence.judge(sequence.join(), { firstId: 505, id: 505, mark: 1, recvUs: 20_000_000 });
    const anew = sequence.judge(sequence.join(), { firstId: 500, id: 500, mark: 1, recvUs: 20_000_001 });
    expect([later, anew]).not.toContain("duplicate");
  }
});

test("after a restart the last record of the run before is not taken again, and the ids in between are a hole", () => {
  const { sequence, take } = judging({ ...contiguous, lastId: 500 });
  const cursor = sequence.join();
  expect([take(cursor, 500), take(cursor, 504)]).toEqual(["duplicate", "next"]);
  expect(sequence.missingIds?.open()).toEqual([{ fromId: 501, toId: 503, fromUs: 0, toUs: 2 }]);
});

test("whatever part each of several lagging connections delivers, each id is kept once, and exactly the undelivered ids are missing", () => {
  const part = fc.record({ skips: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), lag: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
      const { sequence, take } = judging(contiguous);
      const cursors = parts.map(() => sequence.join());
      const kept: number[] = [];
      const brought = new Set<number>();
      for (let at = 0; at < 100; at++) {
        for (const [n, { skips, lag }] of parts.entries()) {
          const id = at - lag;
          if (id < 0 || id >= 60 || skips[id] || (id === 0 && lag > 0)) continue;
          brought.add(id);
          if (take(cursors[n] as Cursor, id) !== "duplicate") kept.push(id);
        }
      }
      expect(kept.toSorted((x, y) => x - y)).toEqual([...brought].sort((x, y) => x - y));
      // Ids from before the first record are not missing.
      const [first, last] = [kept[0] ?? 0, Math.max(...brought)];
      const holes = (sequence.missingIds?.open() ?? []).flatMap(({ fromId, toId }) =>
        Array.from({ length: toId - fromId + 1 }, (_, k) => fromId + k),
      );
      const absent = Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k).filter(
        (id) => !brought.has(id),
      );
      expect(holes.sort((x, y) => x - y)).toEqual(absent);
    }),
    { numRuns: randomRuns(200) },
  );
});

test("missing ids wait for a lagging connection, and for a connection without messages, but not for ever", () => {
  const second = 1_000_000;
  const { sequence, take } = judging(contiguous);
  const holes = (afterS: number, connections: number) => sequence.takeMissingIds(afterS * second, connections).length;
  const [a, b] = [sequence.join(), sequence.join()];
  for (const [cursor, id] of [[a, 1] as const, [b, 1] as const, [a, 5] as const, [a, 6] as const]) take(cursor, id);
  expect(holes(20, 2)).toBe(0);
  take(b, 2);
  take(b, 7);
  expect(holes(20, 3)).toBe(0);
  expect(holes(20, 2)).toBe(1);
  take(a, 9);
  take(a, 10);
  expect(holes(20, 2)).toBe(0);
  expect(holes(30, 2)).toBe(1);
});

test("the first record of a run is not its beginning for certain while a connection lags behind", () => {
  const second = 1_000_000;
  const { sequence, take } = judging(contiguous);
  const a = sequence.join();
  take(a, 10);
  expect(sequence.mayBeginEarlier(1, second, 1)).toBe(false);
  expect(sequence.mayBeginEarlier(1, second, 2)).toBe(true);
  expect(sequence.mayBeginEarlier(1, 30 * second, 2)).toBe(false);
  const b = sequence.join();
  take(b, 7);
  expect(sequence.mayBeginEarlier(1, second, 2)).toBe(true);
  take(b, 10);
  expect(sequence.mayBeginEarlier(1, second, 2)).toBe(false);
});
