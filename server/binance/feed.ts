import type { Log } from "../log.ts";
import type { ConnectionStatus } from "../status.ts";
import type { Stream } from "../stream.ts";
import { spreadStreams } from "./endpoint.ts";
import type { FeedGap, FeedSink } from "./feed-sink.ts";
import { createSocket } from "./socket.ts";

/** The live source: every configured stream, over as many sockets as it takes, reconnected as long as it runs. */
export type Feed = {
  start(): void;
  /** Closes every socket; nothing is delivered afterwards. Idempotent. */
  stop(): void;
  connections(): readonly ConnectionStatus[];
  /** Gaps that are not over yet, up to now. */
  openGaps(): readonly FeedGap[];
  counts(): { readonly duplicates: number; readonly unusual: number; readonly reconnects: number };
};

/** Time between the first attempts of two sockets, ms: far below Binance's 300 connects in 5 minutes. */
const connectEveryMs = 250;

/** The feed of these streams. `nowUs` stamps receipt and must never decrease. */
export function createFeed(
  options: { wsUrl: string; streams: readonly Stream[] },
  deps: { nowUs: () => number; sink: FeedSink; log: Log },
): Feed {
  const counts = { duplicates: 0, unusual: 0, reconnects: 0 };
  const sockets = spreadStreams(options.streams).map((streams, index) =>
    createSocket({ id: index + 1, wsUrl: options.wsUrl, streams }, { ...deps, counts }),
  );
  let pacer: ReturnType<typeof setInterval> | null = null;

  return {
    start() {
      let next = 0;
      const startNext = () => {
        sockets[next++]?.start();
        if (next >= sockets.length && pacer !== null) clearInterval(pacer);
      };
      pacer = setInterval(startNext, connectEveryMs);
      startNext();
    },
    stop() {
      if (pacer !== null) clearInterval(pacer);
      for (const socket of sockets) socket.stop();
    },
    connections: () => sockets.map((socket) => socket.status()),
    openGaps: () => sockets.map((socket) => socket.openGap()).filter((gap) => gap !== null),
    counts: () => ({ ...counts }),
  };
}
