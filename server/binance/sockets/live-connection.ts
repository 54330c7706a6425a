import type { StreamName } from "../../domain/stream.ts";
import { type BookDating, createBookDating } from "../delay/book-dating.ts";
import type { Cursor } from "../gaps/sequence-types.ts";
import type { SilenceDetector } from "../gaps/silence-detector.ts";
import type { Connection } from "./connection.ts";

/** A connection of a stream group, with its reception so far. All times are receipt times, µs; 0 before the event. */
export type LiveConnection = {
  readonly address: string;
  readonly host: string;
  readonly connection: Connection;
  /** The silence detector of its connection slot. */
  readonly silenceDetector: SilenceDetector;
  /** Asks the slot to replace this connection. */
  readonly replace: (why: string) => void;
  /** Cursors by position of the stream in its group. */
  readonly cursors: (Cursor | undefined)[];
  /** Streams that the exchange delivers on this connection, and since when, µs. */
  readonly active: Map<StreamName, number>;
  readonly bookDating: BookDating;
  openedUs: number;
  firstDataUs: number;
  /** Since when it has delivered without a silence. */
  flowingUs: number;
  lastDataUs: number;
  /** Open, but silent according to the watchdog. Ends when it delivers again. */
  isSilent: boolean;
  /** The exchange has announced that it will close this connection. */
  isAnnounced: boolean;
};

/** Creates the state of a connection that is not open yet. */
export function createLiveConnection(
  parts: Pick<LiveConnection, "address" | "connection" | "silenceDetector" | "replace">,
): LiveConnection {
  return {
    ...parts,
    host: parts.connection.host,
    cursors: [],
    active: new Map(),
    bookDating: createBookDating(),
    openedUs: 0,
    firstDataUs: 0,
    flowingUs: 0,
    lastDataUs: 0,
    isSilent: false,
    isAnnounced: false,
  };
}

/** True if the connection delivers data and the stream is active on it: no message of the stream can be missed. */
export function covers(live: LiveConnection, name: StreamName): boolean {
  return live.firstDataUs > 0 && !live.isSilent && live.active.has(name);
}
