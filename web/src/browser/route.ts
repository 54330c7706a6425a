import { signal } from "@preact/signals";
import { type PageName, type PageParameters, pageAt, pagePath } from "../../../server/domain/pages.ts";

/** Where the recorder is mounted; taken before the first navigation, since a relative `<base>` moves with the address. */
const root = new URL(document.baseURI);
document.querySelector("base")?.setAttribute("href", root.href);

/** The page that is shown, with what its address says. */
export type Route = {
  /** "unknown" if no page has this address. */
  readonly page: PageName | "unknown";
  readonly parameters: PageParameters;
  readonly query: URLSearchParams;
};

/** The page that the address asks for. */
export const route = signal<Route>(read());

addEventListener("popstate", () => {
  route.value = read();
});

/** URL of something the recorder serves: `address("state/BTCUSDT")`. */
export function address(path: string): string {
  return new URL(path, root).href;
}

/** Where we are, for `inside`. */
export function path(): string {
  return location.href.slice(new URL(".", root).href.length);
}

/** URL of a path that came from who knows where: below the recorder's root, or the overview. */
export function inside(path: string): string {
  const target = URL.canParse(`./${path}`, root) ? new URL(`./${path}`, root) : root;
  const isOurs = target.origin === root.origin && target.pathname.startsWith(root.pathname);
  const isLogin = target.pathname.replace(/\/+$/, "") === new URL(pagePath("login"), root).pathname;
  return isOurs && !isLogin && path !== "" ? target.href : overviewPath();
}

/** Path of a symbol's book, for `href`. */
export function bookPath(symbol: string): string {
  return address(pagePath("orderbook", { symbol }));
}

/** Path of the overview, for `href`. */
export function overviewPath(): string {
  return address(pagePath("overview"));
}

/** Path of a symbol's day, for `href`; without a stream its least covered one is shown. */
export function dayPath(symbol: string, date: string, stream: string | null = null): string {
  return address(`${pagePath("day", { symbol, date })}${stream === null ? "" : `?stream=${stream}`}`);
}

/** Shows another page in place of this page, without an entry in the browser's history. */
export function replace(href: string): void {
  history.replaceState(null, "", href);
  route.value = read();
}

/** Goes to an address of this page without loading it again. */
export function go(href: string): void {
  history.pushState(null, "", href);
  route.value = read();
  scrollTo(0, 0);
  document.getElementById("main")?.focus({ preventScroll: true });
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
  const path = location.pathname.slice(new URL(".", root).pathname.length);
  const { page, parameters } = pageAt(path) ?? { page: "unknown", parameters: {} };
  return { page, parameters, query: new URLSearchParams(location.search) };
}
