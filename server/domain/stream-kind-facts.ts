/** The facts about one kind of stream. */
export type StreamKindFacts = {
  /** `rest`: fetched over REST, never subscribed to. */
  readonly source: "socket" | "rest";
  readonly types: readonly StreamTypeFacts[];
  /** All members of a payload, in the order in which Binance sends them. */
  readonly members: readonly StreamMember[];
  /** The member that identifies and orders records; null if records have no id. */
  readonly id: string | null;
  /** Member with the first id that a record covers, if a record covers several ids; otherwise null. */
  readonly firstId: string | null;
  /**
   * Kind of proof that ids give. `each`: every record has the next id, so that missing records can be counted. `ranges`: every record begins behind
   * the last id of the record before. `rising`: ids rise, with jumps. `none`: no proof, as ids may repeat or fall.
   */
  readonly numbering: "each" | "ranges" | "rising" | "none";
  /** While the symbol trades, a message arrives at least every 20 s, so a minute without messages is a gap. */
  readonly isSteady: boolean;
  /**
   * True for facts about a symbol instead of market data. Silence is normal and no gap, and commands read such a stream only if it is
   * named.
   */
  readonly isFacts: boolean;
  /** How the page shows the newest records: as an order book, as a list of trades, or not at all. */
  readonly shows: "book" | "trades" | null;
  /** Prices are drawn from the recorded stream with the highest rank; 0 if it holds no price. */
  readonly priceRank: number;
  /** Columns of an export, in order, each with its member. Levels of a book follow behind them. */
  readonly columns: Readonly<Record<string, string>>;
  /** Where missing records are fetched over REST, with the weight of a request; null if the exchange does not keep them. */
  readonly backfill: { readonly path: string; readonly weight: number } | null;
  /** Estimated bytes of one symbol's merged day. Measured for depth20 (test/bench/measured.md), the others in proportion; of trades a busy symbol's. */
  readonly bytesADay: (type: { readonly levels: number | null; readonly speedMs: number | null }) => number;
};

/** Stream types that differ in speed only, and therefore share a folder. */
export type StreamTypeFacts = {
  /** Value of `stream=` in paths: the name without its speed. */
  readonly folder: string;
  /** Levels a side of a partial depth stream, otherwise null. */
  readonly levels: 5 | 10 | 20 | null;
  /** Milliseconds between updates; null: in real time. 1000 is Binance's default and not part of the name. */
  readonly speeds: readonly (100 | 1000 | null)[];
};

/** Ids that are counted together, for each symbol. */
export type Numbering = "update" | "trade" | "aggregate";

/** One member of a payload. */
export type StreamMember = {
  readonly name: string;
  /** How its value is written: `event` is the event's type, `bids` and `asks` are lists of price and quantity. */
  readonly form: "event" | "symbol" | "time" | "id" | "integer" | "decimal" | "boolean" | "bids" | "asks";
  /** The only value that it may have; null for any of its form. */
  readonly value: string | null;
  /** A payload of an unknown shape is recorded only if it holds this member. */
  readonly isRequired: boolean;
  /** Binance sent it in the past. Adjacent members of this sort are either all present or all absent. */
  readonly isFormer: boolean;
  /** Numbering that its ids are of, or null. */
  readonly counts: Numbering | null;
  /** Its name in a record that was fetched over REST; null if REST leaves it out. */
  readonly rest: string | null;
};

/** Member with the event time, ms or µs since the Unix epoch in the exchange's clock. */
export const eventTimeMember = "E";

/** A member that a record need not have. */
export function member(name: string, form: StreamMember["form"]): StreamMember {
  return { name, form, value: null, isRequired: false, isFormer: false, counts: null, rest: name };
}

/** A member without which a payload is not recorded. */
export function required(name: string, form: StreamMember["form"]): StreamMember {
  return { ...member(name, form), isRequired: true };
}

/** A required id of a numbering. */
export function counted(name: string, counts: Numbering): StreamMember {
  return { ...required(name, "id"), counts };
}

/** A required side of a book. */
export function levels(name: string, side: "bids" | "asks"): StreamMember {
  return required(name, side);
}

/** The members that open every event. Records fetched over REST do not have them. */
export function eventOf(type: string): readonly StreamMember[] {
  return [
    { ...member("e", "event"), value: type, rest: null },
    { ...member(eventTimeMember, "time"), rest: null },
    { ...member("s", "symbol"), rest: null },
  ];
}
