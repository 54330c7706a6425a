import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { BookAnswer } from "../../../server/http/routes/status-routes.ts";
import { keepConnected } from "../api/socket.ts";
import { trimmed } from "../present/digits.ts";
import { createLadder, type Ladder } from "../present/ladder.ts";

/** A trade as shown: Binance's own digits. */
export type Trade = {
  readonly id: number;
  readonly price: string;
  readonly quantity: string;
  readonly atMs: number;
  /** The buyer was waiting in the book: somebody sold into it. */
  readonly isSell: boolean;
};

/** Why a book is not live, or null. */
export type BookTrouble = "loading" | "unknown_symbol" | "no_data_yet" | "lost" | null;

export type LiveBook = {
  readonly ladder: ReadonlySignal<Ladder | null>;
  readonly recvUs: ReadonlySignal<number>;
  readonly delayMs: ReadonlySignal<number | null>;
  /** Newest first. */
  readonly trades: ReadonlySignal<readonly Trade[]>;
  /** Mid prices of the last two minutes, by seconds. */
  readonly mids: ReadonlySignal<{ readonly times: readonly number[]; readonly values: readonly number[] }>;
  readonly trouble: ReadonlySignal<BookTrouble>;
};

type Message = {
  readonly recv_us: number | null;
  readonly net_delay_ms: number | null;
  readonly book: BookAnswer["book"] | null;
  /** Mid prices of the last two minutes; only in the first message. */
  readonly mids?: readonly (readonly [recvUs: number, mid: number])[];
  readonly trades: readonly {
    readonly trade: { a?: number; t?: number; p: string; q: string; T: number; m: boolean };
  }[];
};

const mostTrades = 40;
const midSeconds = 120;

/** Follows a symbol's book and trades while the view is there; a frame is drawn at most once a display frame. */
export function useLiveBook(symbol: string): LiveBook {
  const book = useMemo(() => createLiveBook(), [symbol]);
  useEffect(() => book.follow(symbol), [book]);
  return book;
}

function createLiveBook() {
  const ladder = signal<Ladder | null>(null);
  const recvUs = signal(0);
  const delayMs = signal<number | null>(null);
  const trades = signal<readonly Trade[]>([]);
  const mids = signal<{ times: readonly number[]; values: readonly number[] }>({ times: [], values: [] });
  const trouble = signal<BookTrouble>("loading");
  let waiting: Message[] = [];
  let frame = 0;

  function draw(): void {
    frame = 0;
    const messages = waiting;
    waiting = [];
    batch(() => {
      for (const { mids: past } of messages) if (past !== undefined) takePast(past);
      addTrades(messages.flatMap((message) => message.trades));
      const last = messages.at(-1);
      if (last === undefined) return;
      if (last.book === null || last.recv_us === null) {
        trouble.value = "no_data_yet";
        return;
      }
      trouble.value = null;
      delayMs.value = last.net_delay_ms;
      if (last.recv_us === recvUs.value) return;
      recvUs.value = last.recv_us;
      ladder.value = createLadder(last.book.bids ?? [], last.book.asks ?? []);
      if (ladder.value.middle !== null) addMid(last.recv_us / 1e6, ladder.value.middle);
    });
  }

  function addTrades(fresh: Message["trades"]): void {
    if (fresh.length === 0) return;
    const seen = trades.peek()[0]?.id ?? -1;
    const added = fresh
      .map(({ trade: { a, t, p, q, T, m } }) => ({
        id: a ?? t ?? 0,
        price: trimmed(p),
        quantity: trimmed(q),
        atMs: T,
        isSell: m,
      }))
      .filter(({ id }) => id > seen);
    trades.value = [...added.reverse(), ...trades.peek()].slice(0, mostTrades);
  }

  /** After a lost connection the server's row is as good as ours, and has no hole. */
  function takePast(past: NonNullable<Message["mids"]>): void {
    if (past.length > 0) mids.value = { times: past.map(([us]) => us / 1e6), values: past.map(([, mid]) => mid) };
  }

  function addMid(second: number, mid: number): void {
    const { times, values } = mids.peek();
    if (second <= (times.at(-1) ?? 0)) return;
    const from = times.findIndex((time) => time > second - midSeconds);
    const keep = from < 0 ? times.length : from;
    mids.value = { times: [...times.slice(keep), second], values: [...values.slice(keep), mid] };
  }

  return {
    ladder,
    recvUs,
    delayMs,
    trades,
    mids,
    trouble,
    follow(symbol: string): () => void {
      const stop = keepConnected(`ws/book/${encodeURIComponent(symbol)}`, {
        onMessage(message) {
          waiting.push(message as Message);
          if (waiting.length > 100) waiting.shift();
          frame ||= requestAnimationFrame(draw);
        },
        onLost(code) {
          trouble.value = code === 4404 ? "unknown_symbol" : "lost";
          return code === 4404 ? "stop" : undefined;
        },
      });
      return () => {
        stop();
        cancelAnimationFrame(frame);
      };
    },
  };
}
