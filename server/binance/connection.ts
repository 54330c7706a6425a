import type { Stream } from "../stream.ts";
import { hostOf, subscriptionOf } from "./endpoint.ts";
import { refusalText } from "./refusal.ts";

/** One WebSocket to the exchange, from its opening to its end; it is not opened again. */
export type Connection = {
  readonly host: string;
  /** Closes the socket; `onEnd` is not called any more. Idempotent. */
  close(): void;
};

/** Why a connection ended, in words, and whether it had ever been open. */
export type ConnectionEnd = { readonly reason: string; readonly wasOpen: boolean };

/** How long the handshake may take, ms. */
const handshakeMs = 10_000;

/** Binance allows 5 messages a second from us, pongs included. */
const subscribeEveryMs = 300;

/** How long the peer may take to answer our close frame, ms. */
const closingMs = 1000;

/**
 * Opens a combined stream for these streams. `onText` is called with each text frame and its receipt time, which is taken
 * before anything else is done; `onPing` with the server's own clock (ms), which Binance sends as the ping's payload.
 */
export function openConnection(
  options: { wsUrl: string; streams: readonly Stream[] },
  deps: {
    nowUs: () => number;
    onOpen: () => void;
    onText: (text: string, recvUs: number) => void;
    onBinary: (bytes: number, recvUs: number) => void;
    onPing: (serverMs: number, recvUs: number) => void;
    onEnd: (end: ConnectionEnd) => void;
  },
): Connection {
  const { url, batches } = subscriptionOf(options.wsUrl, options.streams);
  // Bun takes options here; the DOM's type knows only protocols.
  const socket = new WebSocket(url, { perMessageDeflate: false } as unknown as string[]) as WebSocket & {
    terminate(): void;
  };
  let ended = false;
  let wasOpen = false;
  let nextBatch = 0;
  const subscriber = setInterval(subscribeNext, subscribeEveryMs);
  const handshake = setTimeout(() => end("the handshake took longer than 10 s"), handshakeMs);

  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const recvUs = deps.nowUs();
    if (ended) return;
    if (typeof data === "string") deps.onText(data, recvUs);
    else deps.onBinary(data.byteLength, recvUs);
  };
  socket.onopen = () => {
    clearTimeout(handshake);
    wasOpen = true;
    subscribeNext();
    deps.onOpen();
  };
  socket.onclose = ({ code, reason }) => end(`closed by the exchange with code ${code}${reason ? ` (${reason})` : ""}`);
  socket.onerror = (event) => end(refusalText(event));
  (socket as EventTarget).addEventListener("ping", (event) => {
    const recvUs = deps.nowUs();
    const payload = Buffer.from((event as MessageEvent<Uint8Array>).data ?? []).toString("latin1");
    if (!ended && /^\d{13}$/.test(payload)) deps.onPing(Number(payload), recvUs);
  });

  function subscribeNext(): void {
    if (!wasOpen) return;
    const batch = batches[nextBatch];
    if (batch === undefined) {
      clearInterval(subscriber);
      return;
    }
    nextBatch++;
    socket.send(JSON.stringify({ method: "SUBSCRIBE", params: batch, id: nextBatch }));
  }

  function end(reason: string): void {
    if (ended) return;
    close();
    deps.onEnd({ reason, wasOpen });
  }

  function close(): void {
    if (ended) return;
    ended = true;
    clearTimeout(handshake);
    clearInterval(subscriber);
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    // A peer that is gone never answers the close frame; without this the socket would linger.
    if (socket.readyState !== WebSocket.CLOSED) setTimeout(() => socket.terminate(), closingMs).unref();
  }

  return { host: hostOf(url), close };
}
