import type { StreamName } from "../../domain/stream.ts";
import type { FromParent } from "../../upgrade/protocol.ts";
import type { RecordNotice } from "./parent-state.ts";

/** How long what is to be told waits for more, ms. */
const pauseMs = 40;

/** Numbers that the other process has not confirmed yet, beyond which it counts as stuck: some 40 MB. */
const mostUnseen = 4_000_000;

/** Tells another process of records, in batches. */
export type RecordNotices = {
  readonly add: RecordNotice;
  /** Records are told by the place of their stream in this list; those of others are not. */
  start(streams: readonly string[]): void;
  /** The other process has read all up to this batch. */
  seen(batch: number): void;
  /** Sends what is left. Idempotent. */
  stop(): void;
  /** Rejects when the other process does not keep up; otherwise never settles. */
  readonly failed: Promise<never>;
};

/** Nothing is sent before `start`; what is added before is kept. */
export function createRecordNotices(send: (message: FromParent) => void): RecordNotices {
  const places = new Map<StreamName, number>();
  const early: Parameters<RecordNotice>[] = [];
  const unseen = new Map<number, number>();
  let notes: number[] = [];
  let batch = 0;
  let unseenNumbers = 0;
  let timer: ReturnType<typeof setInterval> | null = null;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // It may fail after nobody waits any more.
  failed.catch(() => {});

  function push(...[name, { firstId, id, mark, recvUs, isEpoch }]: Parameters<RecordNotice>): void {
    const place = places.get(name);
    if (place !== undefined) notes.push(place, firstId, id, mark, recvUs, isEpoch ? 1 : 0);
  }

  function flush(): void {
    if (notes.length === 0) return;
    unseen.set(++batch, notes.length);
    unseenNumbers += notes.length;
    send({ type: "notes", batch, notes });
    notes = [];
    if (unseenNumbers > mostUnseen) fail(new Error("it does not keep up with what is recorded"));
  }

  return {
    add(...note) {
      if (timer === null) early.push(note);
      else push(...note);
    },
    start(streams) {
      for (const [place, name] of streams.entries()) places.set(name, place);
      for (const note of early.splice(0)) push(...note);
      timer = setInterval(flush, pauseMs);
      flush();
    },
    seen(upTo) {
      for (const [number, length] of unseen) {
        if (number > upTo) break;
        unseen.delete(number);
        unseenNumbers -= length;
      }
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      flush();
    },
    failed,
  };
}
