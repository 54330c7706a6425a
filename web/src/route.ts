import { signal } from "@preact/signals";

/** Where the recorder is mounted; taken before the first navigation, since a relative `<base>` moves with the address. */
const root = new URL(document.baseURI);
document.querySelector("base")?.setAttribute("href", root.href);

export type Route = { readonly view: "overview" } | { readonly view: "orderbook"; readonly symbol: string };

/** The view that the address asks for. */
export const route = signal<Route>(read());

addEventListener("popstate", () => {
  route.value = read();
});

/** URL of something the recorder serves: `address("state/BTCUSDT")`. */
export function address(path: string): string {
  return new URL(path, root).href;
}

/** Path of a symbol's book, for `href`. */
export function bookPath(symbol: string): string {
  return address(`orderbook/${encodeURIComponent(symbol)}`);
}

/** Path of the overview, for `href`. */
export function overviewPath(): string {
  return address("dashboard");
}

/** Goes to an address of this page without loading it anew. */
export function go(href: string): void {
  history.pushState(null, "", href);
  route.value = read();
  scrollTo(0, 0);
}

/** For `onClick` of links within the page; leaves new tabs and windows to the browser. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href);
}

function read(): Route {
  const symbol = /\/orderbook\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  return symbol === undefined ? { view: "overview" } : { view: "orderbook", symbol: decode(symbol).toUpperCase() };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
