import type { Frame } from "../protocol/frames.ts";
import type { ListingStatus } from "../protocol/symbol-info.ts";
import type { IdShift } from "./id-shift.ts";

/** How a connection is brought to its end: with a close frame, or by cutting TCP. */
export type Ending = { readonly code: number; readonly reason: string } | "terminate";

/** What faults may do to an exchange. Connections are numbered as they were accepted, from 1. */
export type FaultTarget = {
  /** Open connections. */
  ids(): readonly number[];
  /** Sends frames to a socket at once, past all faults; no effect if it is gone. */
  send(connection: number, frames: readonly Frame[]): void;
  end(connection: number, how: Ending): void;
  /** Sends `serverShutdown`. */
  announce(connection: number): void;
  ping(connection: number, payload: Uint8Array): void;
  pong(connection: number, payload: Uint8Array): void;
  setStatus(symbol: string, status: ListingStatus): void;
  /** Cuts all connections and closes the port. */
  closePort(): void;
  /** Listens again on the same port; tries until it can be had. */
  openPort(): void;
};

/** Hooks that the exchange calls while it works; a hook is null while no fault uses it. */
export type FaultHooks = {
  /** The frames that go to this connection now. */
  frames: ((connection: number, frames: readonly Frame[]) => readonly Frame[]) | null;
  /** Other ids than the source's, everywhere. */
  ids: IdShift | null;
  /** Whether this connection gets neither pings nor replies. */
  muted: ((connection: number) => boolean) | null;
  /** A connection is open. */
  opened: ((connection: number) => void) | null;
  /** A connection is gone. */
  closed: ((connection: number) => void) | null;
  /** The answer to the handshake of what would become this connection; null lets it through. */
  connect: ((connection: number) => Response | null | Promise<Response | null>) | null;
  /** The answer to a REST request instead of the true one; null lets it through. */
  rest: ((url: URL) => Response | null) | null;
  /** Added to the clock that `/api/v3/time` shows, ms. */
  clockOffsetMs: number;
};

/** Hooks without any fault. */
export function createHooks(): FaultHooks {
  return {
    ...{ frames: null, ids: null, muted: null, opened: null, closed: null, connect: null, rest: null },
    clockOffsetMs: 0,
  };
}

/** A fault at work: the hooks it uses, see FaultHooks. All are optional. */
export type Effect = {
  pass?(connection: number, frames: readonly Frame[]): readonly Frame[];
  mutes?(connection: number): boolean;
  opened?(connection: number): void;
  closed?(connection: number): void;
  connect?(connection: number): Response | null | Promise<Response | null>;
  rest?(url: URL): Response | null;
  clockOffsetMs?: number;
  /** Undoes the effect as far as possible. */
  end?(): void;
};
