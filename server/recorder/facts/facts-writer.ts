import { dateOf, type Segment, windowOf } from "../../domain/day.ts";
import { encodeLine } from "../../domain/line.ts";
import { exchangeInfo } from "../../domain/stream.ts";
import { instrumentOf, type KnownInstrument, type SymbolEntry } from "../../domain/symbols/instrument.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import { createBackfillFile } from "../backfill/backfill-file.ts";
import { createUsedNames } from "../write/free-segment-name.ts";

/** Records what the exchange states about each symbol, as the stream `exchangeInfo`. */
export type FactsWriter = {
  /** Takes an answer. A symbol's entry is written if it is the first of this run or of its UTC day, or if it has changed. */
  offer(entries: readonly SymbolEntry[]): void;
  /** Returns the newest facts about a symbol; null until they are known. */
  newest(symbol: string): KnownInstrument | null;
  /** Abandons entries that are not written yet: the next start records them. Resolves soon. Idempotent. */
  stop(): Promise<void>;
};

/** The last written entry of a symbol. */
type Written = { readonly date: string; readonly hash: number | bigint };

/** A clock that differs more from the exchange's dates nothing, ms. */
const mostClockMs = 5 * 60_000;

/** Time limit of a stop for a write under way, ms; a dead disk may never answer. */
const stopMs = 1000;

/**
 * Creates the writer. Each entry becomes a segment of its own that is closed at once, so facts hold no file open. Entries are
 * written in turn. While the disk does not accept them they stay due, and the next answer brings them again: a missing fact is no gap.
 *
 * | entry                                              | next step                                                |
 * |----------------------------------------------------|----------------------------------------------------------|
 * | received while this machine's clock is wrong       | left out; an answer after the clock is set is written    |
 * | the same as the last written entry of this UTC day | nothing to do                                            |
 * | any other                                          | written                                                  |
 *
 * A restart writes the entries again. Such a repetition is harmless: a line states the entry in force at its receipt.
 */
export function createFactsWriter(
  options: { dataDir: string; segmentMinutes: number },
  deps: { onClosed: (segment: Segment) => void; log: Log },
): FactsWriter {
  const { dataDir, segmentMinutes } = options;
  const { log } = deps;
  const written = new Map<string, Written>();
  const known = new Map<string, KnownInstrument>();
  const usedNames = createUsedNames();
  let waiting: readonly SymbolEntry[] = [];
  let running: Promise<void> | null = null;
  let stopped = false;
  let isFailing = false;

  function keep({ symbol, text, recvUs }: SymbolEntry): void {
    const instrument = instrumentOf(JSON.parse(text));
    if (instrument !== null) known.set(symbol, { recvUs, instrument });
  }

  function isDue({ symbol, text, recvUs, exchangeMs }: SymbolEntry): boolean {
    if (exchangeMs !== null && Math.abs(exchangeMs - recvUs / 1000) > mostClockMs) return false;
    const last = written.get(symbol);
    return last === undefined || last.date !== dateOf(recvUs) || last.hash !== Bun.hash(text);
  }

  async function write({ symbol, text, recvUs }: SymbolEntry): Promise<void> {
    const date = dateOf(recvUs);
    const wanted = { stream: exchangeInfo.folder, symbol, date, name: windowOf(recvUs, segmentMinutes).name };
    const file = await createBackfillFile({ dataDir, usedNames }, wanted);
    try {
      await file.append(encodeLine(text, recvUs, null));
    } finally {
      await file.close().catch(() => {});
      // A file that stayed empty is removed instead of sealed.
      deps.onClosed(file.segment);
    }
    written.set(symbol, { date, hash: Bun.hash(text) });
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0 && !stopped) {
      for (const entry of waiting) keep(entry);
      const due = waiting.filter(isDue);
      waiting = [];
      try {
        for (const entry of due) if (!stopped) await write(entry);
        if (due.length > 0) isFailing = false;
      } catch (error) {
        const message = "cannot write the facts about the symbols; the next answer of the exchange is written again";
        if (!isFailing) log.warn(message, { reason: messageOf(error) });
        isFailing = true;
      }
    }
  }

  function pump(): void {
    if (running !== null || waiting.length === 0) return;
    running = writeAll().finally(() => {
      running = null;
      pump();
    });
  }

  return {
    offer(entries) {
      if (stopped) return;
      waiting = entries;
      pump();
    },
    newest: (symbol) => known.get(symbol) ?? null,
    async stop() {
      stopped = true;
      waiting = [];
      if (running !== null) await isDoneWithin(running, stopMs);
    },
  };
}
