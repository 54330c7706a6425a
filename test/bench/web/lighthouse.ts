/**
 * `bun test/bench/web/lighthouse.ts [view...] [phone | desktop]`: scores of Lighthouse for every view of the page, or the given ones, on
 * its slowed-down phone and on a desktop. npx fetches it for this run alone. Scores are out of 100, goal 95. Other load on the machine
 * lowers them, unless the run goes first: `chrt -r 1 bun …` as root.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHttpServer } from "../../../server/http/server.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { findBrowser } from "../../support/browser/browser.ts";
import { buildPage } from "../../support/browser/build-page.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { fakeIncidents } from "../../support/fakes/fake-incidents.ts";
import { fakeMarket } from "../../support/fakes/fake-market.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";

type Report = {
  readonly categories: Readonly<Record<string, { readonly score: number | null }>>;
  readonly audits: Readonly<Record<string, { readonly displayValue?: string; readonly numericValue?: number }>>;
};

const lighthouse = "lighthouse@12.8.2";
const asked = process.argv.slice(2).filter((word) => word.startsWith("/"));
const screens = ["phone", "desktop"].filter((name) => process.argv.includes(name));
const views = asked.length > 0 ? asked : ["/dashboard", "/coverage", "/archive", "/history", "/orderbook/BTCUSDT"];
const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time"];
const categories = ["performance", "accessibility", "best-practices"];
const runtime = await findBrowser();
if (!runtime.ok) throw new Error(runtime.reason);
const folder = mkdtempSync(join(tmpdir(), "rt-data-bench-lighthouse-"));
let step = 0;
const server = createHttpServer(
  { host: "127.0.0.1", port: 0 },
  {
    status: () => fakeStatus(step++, 30),
    ...fakeMarket(),
    history: fakeHistory(30),
    incidents: fakeIncidents(),
    assetsDir: folder,
    log: silentLog,
    metrics: () => ({ text: "", contentType: "text/plain" }),
  },
);

try {
  await buildPage(folder);
  const { url } = await server.start();
  console.log(
    "| view | screen | performance | accessibility | best practices | first paint | largest paint | blocking | layout shift |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const view of views) {
    for (const screen of screens.length > 0 ? screens : ["phone", "desktop"]) {
      const { categories: scores, audits } = await judge(url + view, screen);
      const points = categories.map((name) => Math.round(100 * (scores[name]?.score ?? 0)));
      const paints = times.map((name) => audits[name]?.displayValue ?? "?");
      const shift = audits["cumulative-layout-shift"]?.numericValue?.toFixed(3) ?? "?";
      console.log(`| ${view} | ${screen} | ${[...points, ...paints].join(" | ")} | ${shift} |`);
    }
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

async function judge(url: string, screen: string): Promise<Report> {
  if (!runtime.ok) throw new Error(runtime.reason);
  const port = freePort();
  const browser = await runtime.launch([`--remote-debugging-port=${port}`]);
  const path = join(folder, "report.json");
  const preset = screen === "desktop" ? ["--preset=desktop"] : [];
  try {
    const options = ["--output=json", `--output-path=${path}`, "--quiet", `--only-categories=${categories.join(",")}`];
    const run = await runAside(["npx", "-y", lighthouse, url, `--port=${port}`, ...options, ...preset]);
    if (run !== "") throw new Error(run);
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } finally {
    await browser.close();
  }
}

/** The server lives in this process: it has to be able to answer meanwhile. */
async function runAside(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  return (await child.exited) === 0 ? "" : said.slice(-2000) || "it failed without a word";
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
