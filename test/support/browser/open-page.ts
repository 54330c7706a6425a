import type { Browser } from "playwright-core";
import { until } from "../wait.ts";

/** How a page is opened; `silent`: its sockets get no messages. */
export type Look = {
  locale?: string;
  timezoneId?: string;
  colorScheme?: "light" | "dark";
  width?: number;
  silent?: boolean;
};

/** Opens an address in a browser profile of its own; `complaints` gathers what its console and its scripts complain of. */
export async function openPage(
  browser: Browser,
  address: string,
  { locale = "en-US", timezoneId = "UTC", colorScheme = "light", width = 1280, silent }: Look = {},
) {
  const context = await browser.newContext({ locale, timezoneId, colorScheme, viewport: { width, height: 844 } });
  if (silent) await context.routeWebSocket(/./, () => {});
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  return { page, context, complaints, close: () => context.close() };
}

/** The same, once the page shows what the recorder tells. */
export async function openLive(browser: Browser, address: string, look: Look = {}) {
  const opened = await openPage(browser, address, look);
  await until(async () => (await opened.page.getAttribute(".page", "data-freshness")) === "live", "the live status");
  return opened;
}
