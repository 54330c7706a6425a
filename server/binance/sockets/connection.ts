import { certificateAdvice, foreignAnswer } from "../../platform/fetch/foreign-answer.ts";
import type { After } from "../../platform/time/timers.ts";
import { hostOfAddress, subscriptionOf } from "./endpoint.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** One WebSocket to the exchange, from its opening to its end; it is not opened again. */
export type Connection = {
  readonly host: string;
  /** Asks for more streams, or for fewer, once it is open. */
  subscribe(names: readonly string[]): void;
  unsubscribe(names: readonly string[]): void;
  /** The names that the exchange says to deliver from now on, by its reply of this id. */
  confirm(replyId: number): readonly string[];
  /** Closes the socket; `onEnd` is not called any more. Idempotent. */
  close(): void;
};

/** Why a connection ended, in words, and whether it had ever been open. */
export type ConnectionEnd = { readonly reason: string; readonly wasOpen: boolean };

export type ConnectionEvents = {
  /** It is open and delivers these streams; the others follow as they are confirmed. */
  readonly onOpen: (names: readonly string[], openedUs: number) => void;
  /** A text frame with its receipt time, which is taken before anything else is done. */
  readonly onText: (text: string, recvUs: number) => void;
  readonly onBinary: (bytes: number, recvUs: number) => void;
  /** The server's own clock, ms, which Binance sends as the ping's payload. */
  readonly onPing: (serverMs: number, recvUs: number) => void;
  readonly onEnd: (end: ConnectionEnd) => void;
};

/** How a connection is made; tests of schedules put an exchange without sockets in its place. */
export type OpenConnection = (
  options: { wsUrl: string; names: readonly string[] },
  deps: { nowUs: () => number; after: After },
  events: ConnectionEvents,
) => Connection;

/** How long the handshake may take, ms. */
const handshakeMs = 10_000;

/** How long the peer may take to answer our close frame, ms. */
const closingMs = 1000;

/** Opens a combined stream. */
export const openConnection: OpenConnection = (options, { nowUs, after }, events) => {
  const { url, inUrl, rest } = subscriptionOf(options.wsUrl, options.names);
  // Bun takes options here; the DOM's type knows only protocols.
  const socket = new WebSocket(url, { perMessageDeflate: false } as unknown as string[]) as WebSocket & {
    terminate(): void;
  };
  const control = createSubscriptions({ send: (text) => socket.send(text), after });
  control.subscribe(rest);
  let ended = false;
  let wasOpen = false;
  const endHandshake = after(handshakeMs, () => end("the handshake took longer than 10 s"));

  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const recvUs = nowUs();
    if (ended) return;
    if (typeof data === "string") events.onText(data, recvUs);
    else events.onBinary(data.byteLength, recvUs);
  };
  socket.onopen = () => {
    if (ended) return;
    endHandshake();
    wasOpen = true;
    control.open();
    events.onOpen(inUrl, nowUs());
  };
  socket.onclose = ({ code, reason }) => end(`closed by the exchange with code ${code}${reason ? ` (${reason})` : ""}`);
  socket.onerror = (event) => end(refusalText(event));
  (socket as EventTarget).addEventListener("ping", (event) => {
    const recvUs = nowUs();
    const payload = Buffer.from((event as MessageEvent<Uint8Array>).data ?? []).toString("latin1");
    if (!ended && /^\d{13}$/.test(payload)) events.onPing(Number(payload), recvUs);
  });

  function end(reason: string): void {
    if (ended) return;
    close();
    events.onEnd({ reason, wasOpen });
  }

  function close(): void {
    if (ended) return;
    ended = true;
    endHandshake();
    control.close();
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    // A peer that is gone never answers the close frame; without this the socket would linger.
    if (socket.readyState !== WebSocket.CLOSED) setTimeout(() => socket.terminate(), closingMs).unref();
  }

  return {
    host: hostOfAddress(url),
    subscribe: control.subscribe,
    unsubscribe: control.unsubscribe,
    confirm: control.confirm,
    close,
  };
};

/** What an HTTP status in place of the WebSocket handshake means at Binance, and what to do. */
const statuses: Readonly<Record<string, string>> = {
  "403":
    "its firewall refused us; usually too many connections from this address, so wait or record fewer symbols here",
  "404": "there is no stream service at this address; check exchange.ws_url",
  "418": "this address is banned for a while after too many requests; it is let in again by itself",
  "429": "too many connects from this address; it is let in again by itself",
  "451": "it does not serve this country; try exchange.ws_url = wss://data-stream.binance.vision or another server",
};

/** Why a WebSocket failed, in words, without the URL and its long list of streams. */
export function refusalText(event: Event): string {
  const message = "message" in event && typeof event.message === "string" ? event.message : "";
  const reason = message.replace(/^WebSocket connection to '[^']*' failed: /, "");
  const status = Number(/^Expected 101 status code: (\d+)/.exec(reason)?.[1] ?? 0);
  // The exchange answers no handshake with a page, a redirect, or a demand to log in.
  if (status === 407 || status === 511 || (status > 0 && status < 400))
    return foreignAnswer(`HTTP ${status} in place of a stream`, "exchange.ws_url");
  if (status > 0) {
    const usual = status >= 500 ? "it is not serving now" : "it did not understand us, or something in between did not";
    return `the exchange answered HTTP ${status}: ${statuses[status] ?? usual}`;
  }
  if (/certificate|self.signed|CERT_|TLS/i.test(reason)) return `${reason}; ${certificateAdvice}`;
  if (reason === "Failed to connect") return "no connection: refused, unreachable, or the name does not resolve";
  return reason === "" ? "the connection failed" : reason;
}
