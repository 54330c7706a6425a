/**
 * `bun run pictures [MINUTES]`: makes the pictures of the README from a demo that has run for so long (4 minutes), in English and Korean,
 * light and dark, desktop and phone. Needs a Korean font (Debian: fonts-noto-cjk).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { findBrowser } from "../test/support/browser/browser.ts";
import { rtData, start } from "../test/support/program.ts";

type Picture = {
  readonly name: "overview" | "phone";
  readonly theme: "light" | "dark";
  readonly locale: "en-US" | "ko-KR";
};

const sizes = { overview: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const minutes = Number(process.argv[2] ?? 4);
const pictures: readonly Picture[] = (["en-US", "ko-KR"] as const).flatMap((locale) =>
  (["light", "dark"] as const).flatMap((theme) =>
    (["overview", "phone"] as const).map((name) => ({ name, theme, locale })),
  ),
);

const runtime = await findBrowser();
if (!runtime.ok) throw new Error(runtime.reason);
const target = join(import.meta.dir, "docs/pictures");
mkdirSync(target, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "rt-data-pictures-"));
const demo = start([...rtData, "demo", "--port", "0"], { cwd: folder });
const browser = await runtime.launch();
try {
  const url = await demo.url();
  await Bun.sleep(minutes * 60_000);
  for (const picture of pictures) {
    const path = join(target, fileOf(picture));
    const bytes = await take(browser, `${url}/dashboard`, picture);
    writeFileSync(path, bytes);
    console.log(`${path}: ${Math.round(bytes.length / 1000)} kB`);
  }
} finally {
  await browser.close();
  demo.kill("SIGTERM");
  await demo.ended;
  rmSync(folder, { recursive: true, force: true });
}

/** Takes what a visitor sees without scrolling, as WebP. */
async function take(from: Browser, url: string, { name, theme, locale }: Picture): Promise<Buffer> {
  const context = await from.newContext({
    viewport: sizes[name],
    deviceScaleFactor: name === "phone" ? 2 : 1.5,
    colorScheme: theme,
    locale,
  });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('.page:not([data-freshness="none"])');
  await page.waitForTimeout(5000);
  const session = await context.newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 });
  await context.close();
  return Buffer.from(data, "base64");
}

function fileOf({ name, theme, locale }: Picture): string {
  return `${name}-${theme}${locale === "ko-KR" ? ".ko" : ""}.webp`;
}
