/**
 * Why an answer is none of Binance's: `seen` is what came (`HTTP 302 to login.example`), `key` the setting with the address. Behind
 * the semicolon stands what to do.
 */
export function foreignAnswer(seen: string, key: string): string {
  return `${seen}: ${who}, or ${key} is wrong; ${todo} ${key}`;
}

/** A certificate that is not to be trusted: what may be the reason. */
export const certificateAdvice =
  "its certificate is not to be trusted: somebody stands between (a login page, a proxy, an antivirus), or this clock is far off, or ca-certificates is missing";

/** What came, in words, of an answer with a redirect; only the host of its address, which may hold secrets. */
export function redirectText(status: number, location: string | null): string {
  const url = location !== null && URL.canParse(location) ? new URL(location) : null;
  return url === null ? `HTTP ${status}` : `HTTP ${status} to ${url.host.slice(0, 100)}`;
}

const who =
  "something between this machine and Binance answers in its place (a login page of this network, a proxy, a filter)";
const todo = "open a web page from this network and log in there, or check the proxy and";
