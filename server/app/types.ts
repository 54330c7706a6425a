import type { Config } from "../config/config.ts";
import type { Gap } from "../domain/gap.ts";
import type { Status } from "../domain/status.ts";
import type { ParentState } from "./upgrade/parent-state.ts";

/** The program: recording, archive, server. */
export type App = {
  /**
   * Takes the data folder, repairs what a crash left, then starts outputs before inputs. Rejects with an OperatorError for
   * what the operator can put right; nothing is left running then. Resolves with the address of the page. `left` are gaps that nobody
   * has written down yet.
   */
  start(left?: readonly Gap[]): Promise<{ url: string }>;
  /** Stops receiving, writes and seals what there is, within `deadlineMs`; resolves when all is on disk. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
  /** Takes symbols and streams of another config, without touching those that stay; what cannot change is logged by name. */
  reload(next: Config): void;
  status(): Status;
  /** Towards another process that takes over. After `leave`, and after `retire`, only `stop` is left to be called. */
  readonly departure: Pick<ParentState, "begin" | "cancel" | "isSettled" | "leave"> & {
    /** Why it cannot be now, or null. */
    refusal(): string | null;
    /** Ends what can wait for the next process, while recording goes on. */
    retire(): Promise<void>;
    /** Local clock minus exchange clock, ms; null while unknown. */
    clockOffsetMs(): number | null;
  };
  /** When its page could first be reached, Unix ms; 0 before. */
  listeningMs(): number;
  /** An error that came up outside of any part; it is reported, and everything goes on. */
  noteFault(part: string, error: unknown): void;
  /** Descriptors that hold the data folder's lock, for the process that takes over; from then on `stop` leaves the lock to it. */
  passOnFolder(): readonly number[];
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** The clock that stamps receipt, µs. */
  readonly nowUs: () => number;
};
