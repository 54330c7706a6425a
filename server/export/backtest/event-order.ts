/** The events of one message of the exchange. Times: µs since the Unix epoch. */
export type EventMessage = {
  readonly exchUs: number;
  readonly localUs: number;
  readonly isTrade: boolean;
  /** False if the message was backfilled: the machine did not see it at that time. */
  readonly isReceived: boolean;
  /** Kind and side, price and quantity of each event, one after the other. */
  readonly events: readonly number[];
};

/** The sides for which a row is valid. */
export type Validity = "both" | "exchange" | "local";

/** Brings messages into the order of a backtest. */
export type EventOrder = {
  /** Adds a message. Receipt times must not fall. @throws if too many messages wait for their turn */
  add(message: EventMessage): void;
  /** Emits all that is certain once no later message has an exchange time before `untilUs`. */
  release(untilUs: number): void;
  /** Emits the rest. */
  finish(): void;
  /** The highest exchange time that was emitted, µs; -Infinity at the start. */
  emittedUs(): number;
};

type Waiting = EventMessage & { readonly order: number };

/**
 * Creates the order that hftbacktest demands. A row that both sides see at its place is valid for both. Otherwise a message is emitted
 * twice: for the exchange in order of exchange time, for the machine in order of receipt. Trades come before book changes of the same
 * exchange time, because they cause them. `mostWaiting`: limit of the events in memory.
 */
export function createEventOrder(
  emit: (message: EventMessage, valid: Validity) => void,
  mostWaiting: number,
): EventOrder {
  /** In order of exchange time, and of receipt. */
  const byExchange = createQueue<Waiting>();
  const byReceipt = createQueue<Waiting>();
  let added = 0;
  let waiting = 0;
  let emittedUs = Number.NEGATIVE_INFINITY;

  function emitExchange(message: Waiting, valid: Validity): void {
    byExchange.shift();
    emittedUs = message.exchUs;
    waiting -= message.events.length;
    emit(message, valid);
  }

  function step(first: Waiting): void {
    const local = byReceipt.first();
    if (local === first) {
      byReceipt.shift();
      emitExchange(first, "both");
    } else if (local === undefined || isDue(first, local)) emitExchange(first, "exchange");
    else {
      byReceipt.shift();
      emit(local, "local");
    }
  }

  function release(untilUs: number): void {
    for (let first = byExchange.first(); first !== undefined && first.exchUs < untilUs; first = byExchange.first())
      step(first);
  }

  return {
    add(message) {
      const entry = { ...message, order: added++ };
      byExchange.insert(entry, isBefore);
      if (message.isReceived) byReceipt.insert(entry, () => false);
      waiting += message.events.length;
      const oldest = byReceipt.first();
      if (waiting <= 3 * mostWaiting || oldest === undefined) return;
      throw new Error(
        `over ${mostWaiting} events wait for a record that arrived far too late (near ${new Date(oldest.localUs / 1000).toISOString()})`,
      );
    },
    release,
    finish() {
      release(Number.POSITIVE_INFINITY);
      for (let local = byReceipt.first(); local !== undefined; local = byReceipt.first()) {
        byReceipt.shift();
        emit(local, "local");
      }
    },
    emittedUs: () => emittedUs,
  };
}

/** Tells whether the next message of the exchange comes before the next message of the machine. */
function isDue(first: EventMessage, local: EventMessage): boolean {
  return first.exchUs < local.exchUs || (first.exchUs === local.exchUs && first.localUs <= local.localUs);
}

function isBefore(a: Waiting, b: Waiting): boolean {
  if (a.exchUs !== b.exchUs) return a.exchUs < b.exchUs;
  if (a.isTrade !== b.isTrade) return a.isTrade;
  return a.order < b.order;
}

/** A queue that keeps an order. Most messages belong at its end, so they are moved from there. */
function createQueue<T>() {
  const entries: T[] = [];
  let from = 0;
  return {
    first: (): T | undefined => entries[from],
    shift() {
      from++;
      if (from < 4096 || from < entries.length / 2) return;
      entries.splice(0, from);
      from = 0;
    },
    insert(entry: T, isBefore: (a: T, b: T) => boolean) {
      let at = entries.length;
      while (at > from && isBefore(entry, entries[at - 1] as T)) at--;
      if (at === entries.length) entries.push(entry);
      else entries.splice(at, 0, entry);
    },
  };
}
