import { expect, test } from "bun:test";
import { createStreamState, hasReachedFirst, part } from "../../../../server/binance/gaps/stream-state.ts";
import { streamOf } from "../../../support/binance/gap-check.ts";

const stream = streamOf("btcusdt@aggTrade");
if (stream === undefined) throw new Error("no such stream");

/** The end of a connection in a quiet stream, while the process stood still, and the gaps that it leaves. */
function endOf(how: { hasReached: boolean; isPlanned: boolean }) {
  const state = createStreamState(stream as NonNullable<typeof stream>, false, null);
  const old = state.sequence.join();
  state.sequence.judge(old, { firstId: 1, id: 1, mark: 1, recvUs: 1_000_000 });
  state.lastRecvUs = 1_000_000;
  const ended = { cause: "reconnect" as const, isLagging: false, stoodStill: () => true, ...how };
  part(state, old, [{ cursor: undefined, sinceUs: 5_000_000 }], { ...ended, lastDataUs: 5_000_001, nowUs: 8_000_000 });
  return state.spans.map(({ fromUs, toUs }) => [fromUs, toUs]);
}

test("a quiet stream has no gap at a change of connection if another stream shows that the old connection had caught up", () => {
  for (const isPlanned of [true, false]) {
    expect(endOf({ hasReached: true, isPlanned })).toEqual([]);
    expect(endOf({ hasReached: false, isPlanned })).toEqual([[3_000_000, 5_000_001]]);
  }
});

test("a connection has reached another connection's first record in the same numbering only", () => {
  const cursor = { highest: 5, first: 1, recent: 5, firstUs: 1, lastUs: 2, epoch: 0 };
  expect(hasReachedFirst(cursor, { ...cursor, first: 5 })).toBe(true);
  expect(hasReachedFirst(cursor, { ...cursor, first: 6 })).toBe(false);
  expect(hasReachedFirst(cursor, { ...cursor, epoch: 1 })).toBe(false);
  expect(hasReachedFirst(cursor, undefined)).toBe(false);
});
