import type { DiskStatus, VolumeStatus } from "./disk-status.ts";
import type { GapCause } from "./gap.ts";
import type { AlertStatus } from "./incident.ts";

/** Load of the machine and of this process. */
export type Hardware = {
  /** Share of all cores in use by everybody, 0 to 1. */
  readonly cpu_ratio: number;
  /** Cores in use by this process, workers included: 0.25 is a quarter of one core. */
  readonly process_cpu_cores: number;
  readonly cores: number;
  /** Resident memory of this process. */
  readonly process_memory_bytes: number;
  readonly memory_used_bytes: number;
  readonly memory_total_bytes: number;
  /** Of the file system that holds the data folder. */
  readonly disk_free_bytes: number;
  readonly disk_total_bytes: number;
  /** All interfaces but loopback, both null where the system does not tell. */
  readonly network_receive_bytes_per_s: number | null;
  readonly network_transmit_bytes_per_s: number | null;
};

/** One WebSocket to the exchange. */
export type ConnectionStatus = {
  readonly id: number;
  /** A successor delivers beside the current one until it can take its place. */
  readonly role: "current" | "successor";
  /** Host and port, never a whole URL. */
  readonly host: string;
  readonly state: "connecting" | "open" | "waiting";
  /** When this state began. */
  readonly since_us: number;
  /** When it is to be replaced, or null while it is not open. */
  readonly rollover_us: number | null;
  readonly streams: number;
  readonly reconnects: number;
  readonly last_recv_us: number | null;
  /** Why it is not open, in words, or null. */
  readonly last_error: string | null;
};

/** One recorded stream of one symbol. */
export type StreamStatus = {
  /** `depth20@100ms` */
  readonly stream: string;
  readonly messages_per_s: number;
  /** Records kept since start. */
  readonly records: number;
  /** Records in memory that are not in the file yet. */
  readonly buffered_records: number;
  readonly last_recv_us: number | null;
  /** The gap that is not over yet, or null. */
  readonly gap: { readonly cause: GapCause; readonly from_us: number } | null;
};

/** One symbol, all its streams together. */
export type SymbolStatus = {
  readonly symbol: string;
  /** What the exchange says of the symbol; "unchecked" until it was asked, "unknown" where it knows no such symbol. */
  readonly state: "trading" | "halted" | "unknown" | "unchecked";
  readonly messages_per_s: number;
  /** Estimated one-way delay, ms, corrected by the clock offset; null while unknown. */
  readonly delay_ms: number | null;
  /** Of the last minute or two, ms; null while unknown. */
  readonly delay_p50_ms: number | null;
  readonly delay_p99_ms: number | null;
  /** Mean time between messages over the last seconds, ms; null without messages. */
  readonly interval_ms: number | null;
  /** Time between the last two flushes of this symbol's files, ms; null before the second. */
  readonly flush_interval_ms: number | null;
  readonly buffered_records: number;
  readonly last_recv_us: number | null;
  readonly streams: readonly StreamStatus[];
};

/** What the workers have done and have before them. */
export type ArchiveStatus = {
  readonly segments_sealed: number;
  readonly segments_waiting: number;
  readonly days_merged: number;
  readonly days_waiting: number;
  /** Of the days that were merged. */
  readonly rows_merged: number;
  readonly raw_bytes_merged: number;
  readonly compressed_bytes_merged: number;
  /** Threads that seal and merge at this moment. */
  readonly workers: number;
  /** Jobs that failed and will be tried again at the next start. */
  readonly failures: number;
  /** The newest failure in words, or null. */
  readonly last_failure: string | null;
  /** The newest archive, or null. */
  readonly last_archive: {
    readonly stream: string;
    readonly symbol: string;
    readonly date: string;
    readonly rows: number;
    readonly raw_bytes: number;
    readonly compressed_bytes: number;
  } | null;
};

/** What the bucket has and has not got. */
export type UploadStatus = {
  /** Bucket and host. */
  readonly target: string;
  /** Since the start of the process, found or united ones included. */
  readonly archives_uploaded: number;
  readonly archives_waiting: number;
  /** Uploaded and verified, but not yet seen to be there an hour later; nothing of them is removed from this disk before. */
  readonly archives_unconfirmed: number;
  readonly bytes_sent: number;
  readonly failures: number;
  /** What keeps it from uploading anything at this moment, in words, or null. */
  readonly problem: string | null;
  /**
   * Days (`date/stream/symbol`) that the store refuses while others go on, and those whose object was changed or removed in the bucket
   * within the last day, each with what is the matter; 50 at most.
   */
  readonly objects?: readonly { readonly subject: string; readonly problem: string }[];
};

/** How well the chats on Telegram can be told. */
export type TelegramStatus = {
  /** "refused": Telegram answers, but takes no messages for a chat, or for any; `last_error` says what to do. */
  readonly state: "ok" | "unreachable" | "refused";
  readonly chats: number;
  /** Messages that wait, over all chats. */
  readonly waiting: number;
  /** Since the start of the process. */
  readonly sent: number;
  /** What keeps it from telling at this moment, in words, and since when; or null. */
  readonly last_error: string | null;
  readonly since_us: number | null;
};

/** The bot that answers on Telegram. */
export type BotStatus = {
  /** "conflict": another program polls with the same token; "refused": Telegram does not know the token. */
  readonly state: "connecting" | "listening" | "conflict" | "refused" | "unreachable";
  /** Its name, without the @; null until Telegram has told it. */
  readonly name: string | null;
  /** Commands and buttons that were answered since the start of the process. */
  readonly answered: number;
  /** How often chats that are not listed have written to it. */
  readonly strangers: number;
};

/** Everything since the start of the process. */
export type Totals = {
  readonly messages: number;
  readonly messages_per_s: number;
  readonly records: number;
  /** Records that were refetched over REST. */
  readonly records_repaired: number;
  /** Records that came later than the threshold and were kept, or were not kept for it. */
  readonly records_late: number;
  readonly records_gated: number;
  readonly bytes_written: number;
  /** Messages dropped because their id had already been recorded from another socket. */
  readonly duplicates: number;
  /** Messages of no known shape, kept aside under `quarantine/`. */
  readonly quarantined: number;
  readonly reconnects: number;
  /** Planned changes of connection. */
  readonly rollovers: number;
  /** Times at which the exchange began to count a stream anew. */
  readonly epochs: number;
  /** Holes of trades that are being refetched. */
  readonly holes: number;
  readonly gaps: number;
};

/** Whether what is known beside the records can be written. Recording never depends on it. */
export type CatalogueStatus = {
  /** Why `rt-data.sqlite` cannot be used, in words, and since when, µs; null while it can. What it misses is made up for. */
  readonly problem: string | null;
  readonly since_us: number | null;
  /** Why the journal cannot be written, in words; null while it can. What it lacks is held in memory. */
  readonly journal_problem: string | null;
};

/** What a start does beside the recording. */
export type CatchUpStatus = {
  /**
   * `recovery`: what the last run left is repaired; `gaps`: manifests are compared with the journal; `archives`: the catalogue is
   * compared with the archives. Null when all is done.
   */
  readonly doing: "recovery" | "gaps" | "archives" | null;
  /** Archived days looked through so far; null while that is not under way. */
  readonly days_checked: number | null;
};

/** The live status: the answer of `/api/status`, and each message of `/ws/dashboard`. */
export type Status = {
  readonly version: string;
  readonly mode: "record" | "demo";
  readonly host: string;
  /** The part of the configured symbols that this recorder takes: `2/5`; `1/1` is all of them. */
  readonly shard: string;
  readonly now_us: number;
  readonly started_us: number;
  /** Data flows; otherwise `reasons` says what is missing. */
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Local clock minus exchange clock, ms, and half the round trip that bounds its error; null while unknown. */
  readonly clock_offset_ms: number | null;
  readonly clock_offset_bound_ms: number | null;
  /** How often the system's clock was set since the start. */
  readonly clock_steps: number;
  readonly hardware: Hardware;
  readonly totals: Totals;
  readonly archive: ArchiveStatus;
  readonly catalogue: CatalogueStatus;
  readonly catch_up: CatchUpStatus;
  /** The disk that takes the records; null before the first look. */
  readonly disk: DiskStatus | null;
  /** Every file system of the data folder, the disk above among them. */
  readonly disks: readonly VolumeStatus[];
  /** Null where nothing is to be uploaded. */
  readonly upload: UploadStatus | null;
  /** Null where nobody is told on Telegram. */
  readonly telegram: TelegramStatus | null;
  readonly alerts: AlertStatus;
  /** Null where no bot is configured. */
  readonly bot: BotStatus | null;
  readonly connections: readonly ConnectionStatus[];
  readonly symbols: readonly SymbolStatus[];
};

/** The newest order book of a symbol. */
export type BookView = {
  readonly symbol: string;
  readonly recv_us: number;
  readonly net_delay_ms: number | null;
  /** Text of the partial depth payload, as received. */
  readonly book: string;
};

/** Who is connected to the HTTP server at this moment. */
export type HttpLoad = {
  /** Sockets of the dashboard, and of live books. */
  readonly dashboards: number;
  readonly books: number;
  /** Sockets dropped since the start since they did not keep up. */
  readonly dropped: number;
  /** Requests that are being answered. */
  readonly pendingRequests: number;
};
