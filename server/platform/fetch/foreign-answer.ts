/**
 * Explains an answer that does not come from Binance, and what to do about it.
 * `seen` is the answer (`HTTP 302 to login.example`), `key` the config key that holds the address.
 */
export function foreignAnswer(seen: string, key: string): string {
  return `${seen}: ${who}, or ${key} is wrong; ${todo} ${key}`;
}

/** Possible reasons for a certificate that cannot be verified. */
export const certificateAdvice =
  "its certificate cannot be trusted: something intercepts the connection (a login page, a proxy, an antivirus), or this clock is far off, or ca-certificates is missing";

/** Describes the status of an answer and where it redirects to. Shows only the host, because the address may hold secrets. */
export function redirectText(status: number, location: string | null): string {
  const url = location !== null && URL.canParse(location) ? new URL(location) : null;
  return url === null ? `HTTP ${status}` : `HTTP ${status} to ${url.host.slice(0, 100)}`;
}

const who =
  "something between this machine and Binance answers in its place (a login page of this network, a proxy, a filter)";
const todo = "open a web page from this network and log in there, or check the proxy and";
