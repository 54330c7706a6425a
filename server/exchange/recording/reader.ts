import type { Track } from "./files.ts";
import { createHead, type Head } from "./head.ts";
import type { RecordedMessage } from "./message.ts";

/** The messages of a recording in the order in which they were received. */
export type RecordingReader = {
  /** The next message, which stays the next one until `skip`; undefined once `fill` is needed or all is read. */
  peek(): RecordedMessage | undefined;
  skip(): void;
  /** Reads on where `peek` came to an end; false when the recording is over. */
  fill(): Promise<boolean>;
  close(): void;
};

export type ReadOptions = {
  /** Messages received before this are left out, µs (none). */
  readonly fromUs?: number;
  /** A file could not be read, in part or at all; reading goes on behind it. */
  readonly onDamage?: (path: string, problem: string) => void;
};

/**
 * Merges tracks by receipt time; of messages received in the same µs that of the earlier track comes first, and within a track
 * the recorded order stands. One chunk of one file a track is in memory.
 */
export function createRecordingReader(tracks: readonly Track[], options: ReadOptions = {}): RecordingReader {
  const { fromUs = Number.NEGATIVE_INFINITY, onDamage = () => {} } = options;
  const heap: Head[] = [];
  /** Heads that need `fill` before anybody can say what comes next. */
  const waiting: Head[] = tracks.map((track, order) => createHead(track, order, { fromUs, onDamage }));
  let closed = false;

  return {
    peek: () => (waiting.length === 0 ? heap[0]?.message : undefined),
    skip() {
      const head = heap[0];
      if (head === undefined || waiting.length > 0) return;
      if (head.next() !== undefined) sink(heap);
      else {
        pop(heap);
        waiting.push(head);
      }
    },
    async fill() {
      for (let head = waiting.at(-1); head !== undefined && !closed; head = waiting.at(-1)) {
        const isOver = !(await head.fill());
        if (isOver || head.next() !== undefined) waiting.pop();
        if (!isOver && head.message !== undefined) push(heap, head);
      }
      return heap.length > 0 && !closed;
    },
    close() {
      closed = true;
      for (const head of [...heap, ...waiting]) head.close();
    },
  };
}

function before(a: Head, b: Head): boolean {
  return a.recvUs < b.recvUs || (a.recvUs === b.recvUs && a.order < b.order);
}

function push(heap: Head[], head: Head): void {
  let at = heap.push(head) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const other = heap[parent] as Head;
    if (!before(head, other)) break;
    heap[at] = other;
    at = parent;
  }
  heap[at] = head;
}

function pop(heap: Head[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  sink(heap);
}

/** Puts the first head where it belongs after it moved on. */
function sink(heap: Head[]): void {
  const head = heap[0] as Head;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const right = heap[child + 1];
    if (right !== undefined && before(right, heap[child] as Head)) child += 1;
    const other = heap[child];
    if (other === undefined || !before(other, head)) break;
    heap[at] = other;
    at = child;
  }
  heap[at] = head;
}
