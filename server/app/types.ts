import type { Config } from "../config/config.ts";
import type { DemoControl } from "../domain/demo.ts";
import type { Gap } from "../domain/gap.ts";
import type { Status } from "../domain/status.ts";
import type { createHttpServer } from "../http/server.ts";
import type { Log } from "../platform/log/log.ts";
import type { ClockSources } from "../platform/time/receive-clock.ts";
import type { Manifest } from "../storage/manifest.ts";
import type { ParentState } from "./upgrade/parent-state.ts";
import type { StandbyFeed } from "./upgrade/standby-feed.ts";

export type AppOptions = {
  readonly mode: "record" | "demo";
  readonly log: Log;
  /** Replaces the system clock. */
  readonly clock?: ClockSources;
  /** Feed of an upgrade's child process, which has received all since the parent stopped. */
  readonly standby?: StandbyFeed;
  /** Replaces the HTTP server. */
  readonly serve?: typeof createHttpServer;
  readonly demo?: DemoControl;
  /** Returns true if the files reach up to this start, so that there is no gap between them and this run. Asked by `start`. */
  readonly continues?: () => boolean;
};

/** The program: recording, archive, server. */
export type App = {
  /**
   * Starts recovery, then outputs, then inputs. Resolves with the address of the page. `left`: gaps that are not recorded yet.
   * @throws OperatorError for problems that the operator can solve; all parts are stopped then.
   */
  start(left?: readonly Gap[]): Promise<{ url: string }>;
  /** Stops receiving, then writes and seals everything within `deadlineMs`. Resolves when all data is on disk. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
  /** Applies symbols and streams of another config; streams that stay are not interrupted. Logs changed keys that need a restart. */
  reload(next: Config): void;
  status(): Status;
  /** The parent's side of an upgrade. After `leave` and `retire`, only `stop` may be called. */
  readonly departure: Pick<ParentState, "begin" | "cancel" | "isSettled" | "leave"> & {
    /** Why an upgrade is impossible right now, or null. */
    refusal(): string | null;
    /** Stops work that the child process can do later; recording goes on. */
    retire(): Promise<void>;
    /** Local clock minus exchange clock, ms; null while unknown. */
    clockOffsetMs(): number | null;
  };
  /** When the page became reachable, Unix ms; 0 before. */
  listeningMs(): number;
  /** Lists an archive that something else than this recorder has written. */
  adoptArchive(manifest: Manifest): void;
  /** Reports an error that occurred outside of any part; everything goes on. */
  reportFault(part: string, error: unknown): void;
  /** Returns the descriptors that hold the data folder's lock, for the child process. From then on `stop` does not release the lock. */
  passOnFolder(): readonly number[];
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** The clock that stamps received messages, µs. */
  readonly nowUs: () => number;
};
