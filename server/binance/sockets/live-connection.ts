import type { StreamName } from "../../domain/stream.ts";
import { type BookDating, createBookDating } from "../delay/book-dating.ts";
import type { Cursor } from "../gaps/sequence-types.ts";
import type { SilenceDetector } from "../gaps/silence-detector.ts";
import type { Connection } from "./connection.ts";

/** One connection of a group, with what it has shown. All times are receipt times, µs, 0 before. */
export type LiveConnection = {
  readonly address: string;
  readonly host: string;
  readonly connection: Connection;
  /** Of the place where it stands. */
  readonly rhythm: SilenceDetector;
  /** Asks for another connection in its place. */
  readonly replace: (why: string) => void;
  /** By position of the stream in its group. */
  readonly cursors: (Cursor | undefined)[];
  /** Names that the exchange delivers on it. */
  readonly active: Map<StreamName, number>;
  readonly join: BookDating;
  openedUs: number;
  firstDataUs: number;
  /** Since when it has delivered without being given up. */
  flowingUs: number;
  lastDataUs: number;
  /** Open, but the watchdog has given it up unless it delivers again. */
  isSilent: boolean;
  /** The exchange has said that it will end it. */
  isAnnounced: boolean;
};

/** A link that is not open yet. */
export function createLiveConnection(
  parts: Pick<LiveConnection, "address" | "connection" | "rhythm" | "replace">,
): LiveConnection {
  return {
    ...parts,
    host: parts.connection.host,
    cursors: [],
    active: new Map(),
    join: createBookDating(),
    openedUs: 0,
    firstDataUs: 0,
    flowingUs: 0,
    lastDataUs: 0,
    isSilent: false,
    isAnnounced: false,
  };
}

/** It delivers, and this stream is among what it was asked for: nothing of the stream can pass unseen. */
export function covers(link: LiveConnection, name: StreamName): boolean {
  return link.firstDataUs > 0 && !link.isSilent && link.active.has(name);
}
