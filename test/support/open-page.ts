import type { Browser } from "playwright-core";

/** How a page is looked at; `silent`: nothing comes over its sockets. */
export type Look = { locale?: string; colorScheme?: "light" | "dark"; width?: number; silent?: boolean };

/** Opens an address in a browser profile of its own; `complaints` gathers what its console and its scripts complain of. */
export async function openPage(
  browser: Browser,
  address: string,
  { locale = "en-US", colorScheme = "light", width = 1280, silent }: Look = {},
) {
  const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 844 } });
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
