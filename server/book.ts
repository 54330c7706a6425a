/** The newest order book of a symbol. */
export type BookView = {
  readonly symbol: string;
  readonly recv_us: number;
  readonly net_delay_ms: number | null;
  /** Text of the partial depth payload, as received. */
  readonly book: string;
};
