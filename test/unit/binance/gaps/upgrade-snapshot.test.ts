import { expect, test } from "bun:test";
import { unsettledOf } from "../../../../server/binance/feed/upgrade-snapshot.ts";
import { contentMark } from "../../../../server/binance/gaps/recent-ids.ts";
import { createSequence } from "../../../../server/binance/gaps/sequence.ts";
import type { Cursor } from "../../../../server/binance/gaps/sequence-types.ts";
import { createStreamState } from "../../../../server/binance/gaps/stream-state.ts";
import { parseStreamName, type Stream } from "../../../../server/domain/stream.ts";

const payload = (id: number) => `{"e":"trade","E":1763800000000,"s":"BTCUSDT","t":${id},"p":"1.0","q":"${id}.0"}`;
const anew = (id: number) => payload(id).replace('"p":"1.0"', '"p":"2.0"');
const told = (id: number) => ({
  ...{ firstId: id, id, mark: contentMark(payload(id)), recvUs: id * 10, isEpoch: false },
});

/** A process that has recorded ids 1 to 100, without 50. */
function recorded(contiguous: boolean) {
  const sequence = createSequence({ contiguous, mayVary: false, lastId: null });
  const cursor = sequence.join();
  for (let id = 1; id <= 100; id++) if (id !== 50) sequence.judge(cursor, told(id));
  return sequence;
}

function inherited(contiguous: boolean) {
  const sequence = createSequence({ contiguous, mayVary: false, lastId: null });
  const other = sequence.inherit(recorded(contiguous).trail(), 1000);
  const own = sequence.join();
  return {
    sequence,
    other,
    judge: (id: number, text = payload(id)) => sequence.judge(own, { ...told(id), mark: contentMark(text) }),
  };
}

for (const contiguous of [true, false]) {
  test(`records of the other process are not recorded again, only the records that it lacks (${contiguous ? "trades" : "books"})`, () => {
    const { sequence, other, judge } = inherited(contiguous);
    // The socket of this process may lag behind, so its first messages may be old.
    expect([98, 99, 100].map((id) => judge(id))).toEqual(["duplicate", "duplicate", "duplicate"]);
    sequence.follow(other, told(101));
    expect([101, 102].map((id) => judge(id))).toEqual(["duplicate", "next"]);
    sequence.follow(other, told(102));
    sequence.leave(other);
    expect([102, 103].map((id) => judge(id))).toEqual(["duplicate", "next"]);
  });
}

test("missing ids that the parent waits for continue here, and are filled by records of this process", () => {
  const { sequence, judge } = inherited(true);
  expect(sequence.missingIds?.open()).toEqual([{ fromId: 50, toId: 50, fromUs: 490, toUs: 510 }]);
  expect(judge(50)).toBe("late");
  expect(sequence.missingIds?.open()).toEqual([]);
  expect(judge(102)).toBe("next");
  expect(sequence.missingIds?.open()).toEqual([{ fromId: 101, toId: 101, fromUs: 1000, toUs: 1020 }]);
});

test("messages that the parent has merged from several sockets, in any order, are no new epoch unless the parent says so", () => {
  const { sequence, other, judge } = inherited(false);
  for (const id of [120, 110, 111, 112]) sequence.follow(other, told(id));
  expect([110, 111, 112, 120].map((id) => judge(id))).toEqual(["duplicate", "duplicate", "duplicate", "duplicate"]);
  sequence.follow(other, { ...told(5), mark: contentMark(anew(5)), isEpoch: true });
  sequence.follow(other, { ...told(6), mark: contentMark(anew(6)) });
  // This socket is still in the previous numbering, and then begins again as well.
  expect(judge(121)).toBe("late");
  expect([5, 6, 7].map((id) => judge(id, anew(id)))).toEqual(["duplicate", "duplicate", "next"]);
});

test("a connection that has yet to deliver what another connection missed leaves the stream unsettled", () => {
  const one = createStreamState(parseStreamName("btcusdt@depth20@100ms") as Stream, false, null);
  const cursor = (first: number, highest: number): Cursor => ({
    ...{ first, highest, recent: highest, firstUs: first * 10, lastUs: highest * 10, epoch: 0 },
  });
  expect(unsettledOf(one, [])).toBeNull();
  expect(unsettledOf(one, [cursor(1, 100)])).toBeNull();
  expect(unsettledOf(one, [cursor(90, 120), cursor(1, 100)])).toBeNull();
  expect(unsettledOf(one, [cursor(110, 120), cursor(1, 100)])).toEqual({
    ...{ stream: one.stream.name, fromUs: 1000, toUs: 1100, cause: "reconnect", alone: false, provable: false },
  });
});
