import { signal } from "@preact/signals";
import { route } from "../browser/route.ts";
import { openIncidents } from "./alerts.ts";
import { isLost, status } from "./state.ts";

/** The newest price of the book that is shown; null on other pages. */
export const shownPrice = signal<string | null>(null);

/** Writes the state into the title of the tab and its icon, both of which are seen while the page is not. */
export function followTitle(): void {
  const newest = status.value;
  const open = openIncidents.value.filter(({ severity, acknowledged }) => severity !== "info" && acknowledged === null);
  const isTrouble = newest !== null && (!newest.ready || open.length > 0);
  const mark = isLost.value ? "✕ " : isTrouble ? `⚠ ${Math.max(1, open.length)} · ` : "";
  const { page, parameters } = route.value;
  // Once a second: the price itself moves ten times as often.
  const price = shownPrice.peek();
  const name =
    page === "orderbook" && parameters["symbol"] !== undefined
      ? `${parameters["symbol"].toUpperCase()}${price === null || isLost.value ? "" : ` ${price}`} · ${newest?.host ?? "RT-Data"}`
      : "RT-Data";
  document.title = mark + name;
  setIcon(isLost.value ? "icon-lost" : isTrouble ? "icon-trouble" : "icon");
}

function setIcon(name: string): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const href = icon?.href.replace(/[\w-]+\.svg$/, `${name}.svg`);
  if (icon !== null && href !== undefined && icon.href !== href) icon.href = href;
}
