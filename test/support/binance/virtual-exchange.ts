import type { ConnectionEvents, OpenConnection } from "../../../server/binance/sockets/connection.ts";
import type { ManualTime } from "../time/manual-time.ts";

/** What an exchange without sockets can be told to do. */
export type VirtualExchange = {
  readonly connect: OpenConnection;
  /** Sends an event to all who are subscribed. */
  emit(stream: string, payload: string): void;
  /** Cuts the n-th of the open connections (counted round); messages in flight are lost. */
  cut(n: number): void;
  /** Announces the end of all open connections, and cuts them after `leadMs`. */
  shutDown(leadMs: number): void;
  /** The n-th of the open connections gets no message for this time. */
  silence(n: number, ms: number): void;
  /** The n-th is sent its next event twice. */
  repeat(n: number): void;
  /** The n-th is sent its next `records` events changed by this. */
  twist(n: number, records: number, change: (payload: string) => string): void;
  /** New connections are refused until this is called with false. */
  refuse(isRefusing: boolean): void;
  /** A connection that gets no messages. */
  isWithholding(): boolean;
};

type Line = {
  readonly events: ConnectionEvents;
  readonly names: Set<string>;
  readonly delayMs: number;
  /** When its handshake ends: earlier messages arrive then. */
  readonly openMs: number;
  ended: boolean;
  silentUntilUs: number;
  repeats: boolean;
  twist: { left: number; readonly change: (payload: string) => string } | null;
};

/** Connections take `handshakeMs` and then deliver with the delay that `delayMs` draws for each. */
export function createVirtualExchange(
  time: ManualTime,
  options: { handshakeMs: number; delayMs: () => number },
): VirtualExchange {
  let lines: Line[] = [];
  let refusing = false;
  const nowUs = () => Math.round(time.now() * 1000);

  const pick = (n: number) => (lines.length === 0 ? undefined : lines[n % lines.length]);

  function end(line: Line, reason: string): void {
    if (line.ended) return;
    line.ended = true;
    lines = lines.filter((one) => one !== line);
    line.events.onEnd({ reason, wasOpen: time.now() >= line.openMs });
  }

  function send(line: Line, text: string): void {
    time.after(Math.max(line.delayMs, line.openMs - time.now()), () => {
      if (!line.ended) line.events.onText(text, nowUs());
    });
  }

  return {
    connect({ names }, _deps, events) {
      const line: Line = {
        events,
        names: new Set(names),
        delayMs: options.delayMs(),
        openMs: time.now() + options.handshakeMs,
        ...{ ended: false, silentUntilUs: 0, repeats: false, twist: null },
      };
      const refused = refusing;
      if (!refused) time.after(options.handshakeMs / 2, () => !line.ended && lines.push(line));
      time.after(options.handshakeMs, () => {
        if (line.ended) return;
        if (refused) {
          line.ended = true;
          events.onEnd({ reason: "refused", wasOpen: false });
        } else events.onOpen(names, nowUs());
      });
      return {
        host: "virtual",
        subscribe() {},
        unsubscribe() {},
        confirm: () => [],
        close() {
          line.ended = true;
          lines = lines.filter((one) => one !== line);
        },
      };
    },
    emit(stream, payload) {
      for (const line of lines) {
        if (!line.names.has(stream) || nowUs() < line.silentUntilUs) continue;
        const twisted = line.twist !== null && line.twist.left-- > 0 ? line.twist.change(payload) : payload;
        const text = `{"stream":"${stream}","data":${twisted}}`;
        send(line, text);
        if (line.repeats) send(line, text);
        line.repeats = false;
      }
    },
    cut(n) {
      const line = pick(n);
      if (line !== undefined) end(line, "cut");
    },
    shutDown(leadMs) {
      for (const line of lines) {
        send(line, '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}');
        time.after(leadMs + line.delayMs, () => end(line, "shut down"));
      }
    },
    silence(n, ms) {
      const line = pick(n);
      if (line !== undefined) line.silentUntilUs = nowUs() + ms * 1000;
    },
    repeat(n) {
      const line = pick(n);
      if (line !== undefined) line.repeats = true;
    },
    twist(n, records, change) {
      const line = pick(n);
      if (line !== undefined) line.twist = { left: records, change };
    },
    refuse(isRefusing) {
      refusing = isRefusing;
    },
    isWithholding: () => lines.some(({ silentUntilUs }) => nowUs() < silentUntilUs),
  };
}
