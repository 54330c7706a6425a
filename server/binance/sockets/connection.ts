import { exchangeMs, type TimeUnit } from "../../domain/market/exchange-time.ts";
import { certificateAdvice, foreignAnswer } from "../../platform/fetch/foreign-answer.ts";
import { type Route, routeTo, throughProxy } from "../../platform/fetch/proxy-route.ts";
import { proxyTrouble } from "../../platform/fetch/proxy-trouble.ts";
import type { After } from "../../platform/time/timers.ts";
import { hostOfAddress, subscriptionOf } from "./endpoint.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** One WebSocket to the exchange, from opening to end. It never reconnects. */
export type Connection = {
  readonly host: string;
  /** Adds streams to the subscription, or removes them. Sent as soon as the socket is open. */
  subscribe(names: readonly string[]): void;
  unsubscribe(names: readonly string[]): void;
  /** Returns the names that the reply of this id confirms: the exchange delivers them from now on. */
  confirm(replyId: number): readonly string[];
  /** Closes the socket without calling `onEnd`. Idempotent. */
  close(): void;
};

/** Why a connection ended, in words, and whether it was ever open. */
export type ConnectionEnd = { readonly reason: string; readonly wasOpen: boolean };

export type ConnectionEvents = {
  /** The socket is open and delivers the streams in its URL. Other streams follow as they are confirmed. */
  readonly onOpen: (names: readonly string[], openedUs: number) => void;
  /** A text frame and its receipt time, which is taken before anything else. */
  readonly onText: (text: string, recvUs: number) => void;
  readonly onBinary: (bytes: number, recvUs: number) => void;
  /** The server's clock, ms, which Binance sends as the payload of a ping. */
  readonly onPing: (serverMs: number, recvUs: number) => void;
  readonly onEnd: (end: ConnectionEnd) => void;
};

/** Opens a connection. Schedule tests replace it by an exchange without sockets. */
export type OpenConnection = (
  options: { wsUrl: string; names: readonly string[]; timeUnit?: TimeUnit },
  deps: { nowUs: () => number; after: After },
  events: ConnectionEvents,
) => Connection;

/** Longest handshake, ms. */
const handshakeMs = 10_000;

/** Longest wait for the answer to our close frame, ms. */
const closingMs = 1000;

/** Opens a combined stream of Binance. */
export const openConnection: OpenConnection = (options, { nowUs, after }, events) => {
  const { url, inUrl, rest } = subscriptionOf(options.wsUrl, options.names, options.timeUnit);
  const route = routeTo(url);
  if (route.kind === "unusable") return unopened(url, route.problem, after, events);
  // Bun accepts options here; the DOM type knows only protocols. It does not heed the proxies in the environment.
  const proxy = route.kind === "proxy" ? { proxy: route.url } : {};
  const socket = new WebSocket(url, { perMessageDeflate: false, ...proxy } as unknown as string[]) as WebSocket & {
    terminate(): void;
  };
  const subscriptions = createSubscriptions({ send: (text) => socket.send(text), after });
  subscriptions.subscribe(rest);
  let ended = false;
  let wasOpen = false;
  const endHandshake = after(handshakeMs, () => end(`the handshake took longer than 10 s${throughProxy(route)}`));

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
    subscriptions.open();
    events.onOpen(inUrl, nowUs());
  };
  socket.onclose = ({ code, reason }) => end(`closed by the exchange with code ${code}${reason ? ` (${reason})` : ""}`);
  socket.onerror = (event) => end(refusalText(event, route, hostOfAddress(url)));
  (socket as EventTarget).addEventListener("ping", (event) => {
    const recvUs = nowUs();
    const payload = Buffer.from((event as MessageEvent<Uint8Array>).data ?? []).toString("latin1");
    if (!ended && /^(\d{13}|\d{16})$/.test(payload)) events.onPing(exchangeMs(Number(payload)), recvUs);
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
    subscriptions.close();
    if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    // A peer that is gone never answers the close frame, and the socket would stay open.
    if (socket.readyState !== WebSocket.CLOSED) setTimeout(() => socket.terminate(), closingMs).unref();
  }

  return {
    host: hostOfAddress(url),
    subscribe: subscriptions.subscribe,
    unsubscribe: subscriptions.unsubscribe,
    confirm: subscriptions.confirm,
    close,
  };
};

/** Creates a connection that ends before it has begun. */
function unopened(url: string, reason: string, after: After, events: ConnectionEvents): Connection {
  const close = after(0, () => events.onEnd({ reason, wasOpen: false }));
  return { host: hostOfAddress(url), subscribe() {}, unsubscribe() {}, confirm: () => [], close };
}

/** Meaning of an HTTP status in place of the WebSocket handshake, and what to do. */
const statuses: Readonly<Record<string, string>> = {
  "403": "its firewall refused this address, usually for too many connections: wait, or record fewer symbols here",
  "404": "there is no stream service at this address; check exchange.ws_url",
  "418": "this address is banned for a while after too many requests; the ban ends by itself",
  "429": "too many connects from this address; the limit ends by itself",
  "451": "it does not serve this country; try exchange.ws_url = wss://data-stream.binance.vision or another server",
};

/** Describes why a WebSocket failed, without the URL and its long list of streams. `target` is the exchange's host and port. */
export function refusalText(event: Event, route: Route, target: string): string {
  const message = "message" in event && typeof event.message === "string" ? event.message : "";
  const reason = message.replace(/^WebSocket connection to '[^']*' failed: /, "");
  const trouble = route.kind === "proxy" ? proxyTrouble(route, target, reason) : null;
  if (trouble !== null) return trouble;
  const status = Number(/^Expected 101 status code: (\d+)/.exec(reason)?.[1] ?? 0);
  // The exchange never answers a handshake with a page, a redirect, or a login request.
  if (status === 407 || status === 511 || (status > 0 && status < 400))
    return foreignAnswer(`HTTP ${status} in place of a stream`, "exchange.ws_url");
  if (status > 0) {
    const usual =
      status >= 500 ? "it cannot serve now" : "the exchange or a proxy in between did not understand the request";
    return `the exchange answered HTTP ${status}: ${statuses[status] ?? usual}`;
  }
  if (/certificate|self.signed|CERT_|TLS/i.test(reason)) return `${reason}; ${certificateAdvice}`;
  if (reason === "Failed to connect") return "no connection: refused, unreachable, or the name does not resolve";
  return reason === "" ? "the connection failed" : reason;
}
