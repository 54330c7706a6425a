import type { GapCause } from "./gap.ts";
import type { AlertStatus } from "./incidents/incident.ts";
import type { DatasetStatus, DiskStatus, UploadStatus, VolumeStatus } from "./storage-status.ts";
import type { StreamFolder, StreamTypeName } from "./stream.ts";

/** Load of the machine and of this process. */
export type Hardware = {
  /** Share of all cores in use by all processes, 0 to 1. */
  readonly cpu_ratio: number;
  /** Cores in use by this process including its workers: 0.25 is a quarter of one core. */
  readonly process_cpu_cores: number;
  readonly cores: number;
  readonly process_memory_bytes: number;
  readonly memory_used_bytes: number;
  readonly memory_total_bytes: number;
  /** Free bytes on the file system of the data folder; `disk_total_bytes` likewise. */
  readonly disk_free_bytes: number;
  readonly disk_total_bytes: number;
  /** Traffic of all interfaces, of loopback only if the exchange is on this machine, as in a demo; null if the system does not report it. */
  readonly network_receive_bytes_per_s: number | null;
  readonly network_transmit_bytes_per_s: number | null;
};

/** One WebSocket connection to the exchange. */
export type ConnectionStatus = {
  readonly id: number;
  /** "successor": the new connection of a rollover, until it replaces the current connection. */
  readonly role: "current" | "successor";
  /** Host and port, never a full URL. */
  readonly host: string;
  readonly state: "connecting" | "open" | "waiting";
  /** When this state began. */
  readonly since_us: number;
  /** When a rollover is due; null while the connection is not open. */
  readonly rollover_us: number | null;
  readonly streams: number;
  readonly reconnects: number;
  readonly last_recv_us: number | null;
  /** Why the connection is not open, or null. */
  readonly last_error: string | null;
};

/** One recorded stream of one symbol. */
export type StreamStatus = {
  readonly stream: StreamTypeName;
  readonly messages_per_s: number;
  /** Records kept since the start. */
  readonly records: number;
  /** Records in memory that are not yet in the file. */
  readonly buffered_records: number;
  readonly last_recv_us: number | null;
  /** The gap that is still open, or null. */
  readonly gap: { readonly cause: GapCause; readonly from_us: number } | null;
};

/** One symbol with all its streams. */
export type SymbolStatus = {
  readonly symbol: string;
  /** State of the symbol on the exchange; "unchecked" before the first query, "unknown" if the exchange does not list it. */
  readonly state: "trading" | "halted" | "delisted" | "unknown" | "unchecked";
  readonly messages_per_s: number;
  /** Estimated one-way delay, ms, corrected by the clock offset; null while unknown. */
  readonly delay_ms: number | null;
  /** Delay of the last minute or two, ms; null while unknown. */
  readonly delay_p50_ms: number | null;
  readonly delay_p99_ms: number | null;
  /** Mean time between messages over the last seconds, ms; null without messages. */
  readonly interval_ms: number | null;
  /** Time between the last two flushes of this symbol's files, ms; null before the second. */
  readonly flush_interval_ms: number | null;
  readonly buffered_records: number;
  readonly last_recv_us: number | null;
  /** Mean of the newest best bid and ask; null without a partial book. */
  readonly mid: number | null;
  readonly streams: readonly StreamStatus[];
};

/** Finished and waiting work of the archive workers. */
export type ArchiveStatus = {
  readonly segments_sealed: number;
  readonly segments_waiting: number;
  readonly days_merged: number;
  readonly days_waiting: number;
  /** Rows and bytes of the merged days. */
  readonly rows_merged: number;
  readonly raw_bytes_merged: number;
  readonly compressed_bytes_merged: number;
  /** Threads that are sealing or merging now. */
  readonly workers: number;
  /** Failed jobs. They are tried again at the next start. */
  readonly failures: number;
  readonly last_failure: string | null;
  /** The latest archive, or null. */
  readonly last_archive: {
    readonly stream: StreamFolder;
    readonly symbol: string;
    readonly date: string;
    readonly rows: number;
    readonly raw_bytes: number;
    readonly compressed_bytes: number;
  } | null;
};

/** State of sending to the Telegram chats. */
export type TelegramStatus = {
  /** "refused": Telegram answers, but rejects messages for one chat or all chats; `last_error` says how to fix it. */
  readonly state: "ok" | "unreachable" | "refused";
  readonly chats: number;
  /** Messages waiting to be sent, over all chats. */
  readonly waiting: number;
  /** Messages sent since the start of the process. */
  readonly sent: number;
  /** The problem that prevents sending now, and since when; or null. */
  readonly last_error: string | null;
  readonly since_us: number | null;
};

/** The bot that answers on Telegram. */
export type BotStatus = {
  /** "conflict": another program polls with the same token; "refused": Telegram does not know the token. */
  readonly state: "connecting" | "listening" | "conflict" | "refused" | "unreachable";
  /** Name of the bot without the @; null until Telegram has reported it. */
  readonly name: string | null;
  /** Commands and buttons answered since the start of the process. */
  readonly answered: number;
  /** Number of messages from chats that are not in the config. */
  readonly strangers: number;
};

/** Everything since the start of the process. */
export type Totals = {
  readonly messages: number;
  readonly messages_per_s: number;
  readonly records: number;
  /** Records that were backfilled over REST. */
  readonly records_repaired: number;
  /** Records later than the threshold: kept (`records_late`) and dropped by the delay gate (`records_gated`). */
  readonly records_late: number;
  readonly records_gated: number;
  readonly bytes_written: number;
  /** Messages dropped because their id had already been recorded from another socket. */
  readonly duplicates: number;
  /** Messages and REST answers of an unusual shape that could be used all the same, for example with a new member. */
  readonly unusual: number;
  /** Messages with an unknown shape, saved under `quarantine/`. */
  readonly quarantined: number;
  readonly reconnects: number;
  /** Planned replacements of a connection by a new connection. */
  readonly rollovers: number;
  /** How often the exchange restarted the numbering of a stream. */
  readonly epochs: number;
  /** Ranges of missing trades that are being backfilled. */
  readonly holes: number;
  readonly gaps: number;
};

/** Whether the catalogue and the journal can be written. Recording never depends on either. */
export type CatalogueStatus = {
  /** Why `rt-data.sqlite` cannot be used, and since when, µs; null while it can. Missing entries are added later. */
  readonly problem: string | null;
  readonly since_us: number | null;
  /** Why the journal cannot be written; null while it can. Unwritten entries wait in memory. */
  readonly journal_problem: string | null;
};

/** Work after a start that runs beside the recording. */
export type CatchUpStatus = {
  /**
   * `recovery`: repairs files that the last run left behind. `gaps`: compares manifests with the journal.
   * `archives`: compares the catalogue with the archives. Null: all is done.
   */
  readonly doing: "recovery" | "gaps" | "archives" | null;
  /** Archived days checked so far; null while no such check is running. */
  readonly days_checked: number | null;
};

/** The live status: the answer of `/api/status` and each message of `/ws/dashboard`. */
export type Status = {
  readonly version: string;
  readonly mode: "record" | "demo";
  readonly host: string;
  /** The part of the configured symbols that this recorder records: `2/5`; `1/1` is all of them. */
  readonly shard: string;
  readonly now_us: number;
  readonly started_us: number;
  /** True if data flows. Otherwise `reasons` says why not. */
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Local clock minus exchange clock, ms, and its maximum error (half the round trip); null while unknown. */
  readonly clock_offset_ms: number | null;
  readonly clock_offset_bound_ms: number | null;
  /** How often the system's clock was set since the start. */
  readonly clock_steps: number;
  readonly hardware: Hardware;
  readonly totals: Totals;
  readonly archive: ArchiveStatus;
  readonly catalogue: CatalogueStatus;
  readonly catch_up: CatchUpStatus;
  /** The disk to which records are written; null before the first check. */
  readonly disk: DiskStatus | null;
  /** All file systems of the data folder, including `disk`. */
  readonly disks: readonly VolumeStatus[];
  /** Null if upload is not configured. */
  readonly upload: UploadStatus | null;
  /** Null if the dataset is not configured. */
  readonly dataset: DatasetStatus | null;
  /** Null if Telegram is not configured. */
  readonly telegram: TelegramStatus | null;
  readonly alerts: AlertStatus;
  /** Null if the bot is not configured. */
  readonly bot: BotStatus | null;
  readonly connections: readonly ConnectionStatus[];
  readonly symbols: readonly SymbolStatus[];
};

/** The latest order book of a symbol. */
export type BookView = {
  readonly symbol: string;
  readonly recv_us: number;
  readonly net_delay_ms: number | null;
  /** Text of the partial depth payload as received. */
  readonly book: string;
};

/** Current load of the HTTP server. */
export type HttpLoad = {
  /** Open sockets of dashboards; `books` counts those of live books. */
  readonly dashboards: number;
  readonly books: number;
  /** Sockets dropped since the start because the client was too slow. */
  readonly dropped: number;
  /** Requests being answered now. */
  readonly pendingRequests: number;
};
