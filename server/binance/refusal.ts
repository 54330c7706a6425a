import { certificateAdvice, foreignAnswer } from "../foreign-answer.ts";

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
