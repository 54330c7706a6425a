import type { Log } from "../log.ts";
import type { ConnectionStatus } from "../status.ts";
import type { Stream } from "../stream.ts";
import { backoffMs } from "./backoff.ts";
import { type Connection, type ConnectionEnd, openConnection } from "./connection.ts";
import { hostOf } from "./endpoint.ts";
import type { FeedGap, FeedSink } from "./feed-sink.ts";
import { createMessageReader } from "./message.ts";

/** One place in the feed: a group of streams and the connection that carries them now, replaced whenever it ends. */
export type Socket = {
  start(): void;
  stop(): void;
  status(): ConnectionStatus;
  /** The gap that is not over yet, up to now, or null. */
  openGap(): FeedGap | null;
};

/** Counters that all sockets of a feed share. */
export type FeedCounts = { duplicates: number; unusual: number; reconnects: number };

/** A connection that has delivered for this long counts as good: the next wait starts from the shortest again. */
const goodAfterUs = 10_000_000;

/** Without any data for this long the connection is given up, pings or not. */
const silentUs = 60_000_000;
const watchEveryMs = 5000;

/** Creates the place; `deps.counts` is added to. */
export function createSocket(
  options: { id: number; wsUrl: string; streams: readonly Stream[] },
  deps: { nowUs: () => number; sink: FeedSink; log: Log; counts: FeedCounts },
): Socket {
  const { sink, counts, log } = deps;
  const host = hostOf(options.wsUrl);
  const read = createMessageReader(options.streams);
  const newest = new Map(options.streams.map((stream) => [stream, { id: Number.NaN, generation: 0 }]));
  let connection: Connection | null = null;
  let state: ConnectionStatus["state"] = "waiting";
  let sinceUs = deps.nowUs();
  let generation = 0;
  let failures = 0;
  let reconnects = 0;
  let lastRecvUs: number | null = null;
  let firstDataUs: number | null = null;
  let gap: { fromUs: number; cause: "reconnect" | "silent" } | null = null;
  let lastError: string | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let watch: ReturnType<typeof setInterval> | null = null;

  function connect(): void {
    retry = null;
    generation++;
    firstDataUs = null;
    enter("connecting");
    const { nowUs } = deps;
    const { onPing } = sink;
    connection = openConnection(options, {
      nowUs,
      onOpen: () => {
        enter("open");
        log.info("connected", { host, connection: options.id, streams: options.streams.length });
      },
      onText,
      onBinary: (bytes, recvUs) => sink.onOdd(`a binary frame of ${bytes} bytes`, "", recvUs),
      onPing,
      onEnd,
    });
  }

  function onText(text: string, recvUs: number): void {
    const message = read(text);
    if (message.type === "data") {
      const { stream, id } = message.data;
      if (firstDataUs === null) onFirstData(recvUs);
      lastRecvUs = recvUs;
      const seen = newest.get(stream);
      if (seen !== undefined) {
        // Only what another socket delivered can come twice; a socket that repeats itself is recorded as it is.
        if (seen.id === id && seen.generation !== generation) {
          counts.duplicates++;
          return;
        }
        seen.id = id;
        seen.generation = generation;
      }
      if (message.data.unusual) counts.unusual++;
      sink.onData(stream, message.data.payload, recvUs, message.data.eventMs);
    } else if (message.type === "odd") {
      sink.onOdd(message.reason, text, recvUs);
    } else if (message.type === "shutdown") {
      log.warn("the exchange announces that it will close this connection", { host, connection: options.id });
    } else if (message.error !== null) {
      log.error("the exchange refused a subscription", { host, connection: options.id, reason: message.error });
    }
  }

  function onFirstData(recvUs: number): void {
    firstDataUs = recvUs;
    lastError = null;
    if (gap !== null) sink.onGap({ streams: options.streams, fromUs: gap.fromUs, toUs: recvUs, cause: gap.cause });
    gap = null;
  }

  function onEnd({ reason, wasOpen }: ConnectionEnd, cause: "reconnect" | "silent" = "reconnect"): void {
    const nowUs = deps.nowUs();
    connection = null;
    if (lastRecvUs !== null) gap ??= { fromUs: lastRecvUs, cause };
    failures = firstDataUs !== null && nowUs - firstDataUs >= goodAfterUs ? 0 : failures + 1;
    const waitMs = Math.round(backoffMs(failures));
    if (lastError !== reason) {
      const what = wasOpen ? "connection lost, trying again" : "cannot connect, trying again";
      log.warn(what, { host, connection: options.id, reason, wait_ms: waitMs });
    }
    lastError = reason;
    reconnects++;
    counts.reconnects++;
    enter("waiting");
    retry = setTimeout(connect, waitMs);
  }

  function dropIfSilent(): void {
    if (state !== "open" || deps.nowUs() - Math.max(sinceUs, lastRecvUs ?? 0) < silentUs) return;
    connection?.close();
    onEnd({ reason: "no data for 60 s although the connection was open", wasOpen: true }, "silent");
  }

  function enter(next: ConnectionStatus["state"]): void {
    state = next;
    sinceUs = deps.nowUs();
  }

  return {
    start() {
      watch = setInterval(dropIfSilent, watchEveryMs);
      connect();
    },
    stop() {
      if (retry !== null) clearTimeout(retry);
      if (watch !== null) clearInterval(watch);
      connection?.close();
      connection = null;
    },
    openGap: () =>
      gap === null ? null : { streams: options.streams, fromUs: gap.fromUs, toUs: deps.nowUs(), cause: gap.cause },
    status: () => ({
      id: options.id,
      host,
      state,
      since_us: sinceUs,
      streams: options.streams.length,
      reconnects,
      last_recv_us: lastRecvUs,
      last_error: lastError,
    }),
  };
}
