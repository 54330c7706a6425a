import { expect, test } from "bun:test";
import { askReady } from "../../../server/cli/check/ask-ready.ts";
import { checkServer } from "../../../server/cli/check/check-server.ts";
import { checkTelegram } from "../../../server/cli/check/check-services.ts";
import { createPublicUrlWatch } from "../../../server/monitor/public-url.ts";
import { createHeartbeat } from "../../../server/notify/heartbeat.ts";
import { createWebhook } from "../../../server/notify/webhook.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createBotApi } from "../../../server/telegram/api/bot-api.ts";
import { appConfig } from "../../support/app-config.ts";
import { type HostileKind, startHostileServer } from "../../support/network/hostile-server.ts";
import { until } from "../../support/wait.ts";

type Server = Awaited<ReturnType<typeof startHostileServer>>;

const timeoutMs = 300;
const token = "8123456789:AAFf_abcdefghijklmnopqrstuvwxyz12345";
const log = createLog({ level: "error", format: "text", color: false }, () => {});
const nowUs = () => performance.now() * 1000;
const patience = { ms: timeoutMs, signal: new AbortController().signal };
const text = "x".repeat(1000);

/** Every client of an outside server except exchange and bucket. Each sends one request and resolves when that has succeeded or failed. */
const askers: Readonly<Record<string, (url: string, port: number) => Promise<unknown>>> = {
  async heartbeat(url) {
    const heartbeat = createHeartbeat(
      { url: `${url}/beat`, everySeconds: 60, version: "1", timeoutMs },
      { nowUs, log },
    );
    heartbeat.tick(() => true);
    await heartbeat.settled();
    await heartbeat.stop();
  },
  async webhook(url) {
    const about = { url: `${url}/hook`, host: "home", version: "1", publicUrl: null, timeoutMs };
    const webhook = createWebhook(about, { nowUs, log });
    const incident = { id: 1, changed_us: 1, text } as never;
    webhook.enqueue(incident, "opened");
    await until(() => webhook.status().problem !== null || webhook.status().waiting === 0, "an answer");
    await webhook.stop();
  },
  async "public URL"(url) {
    await createPublicUrlWatch({ url, everyMs: 1, timeoutMs }, { instance: "a", nowMs: Date.now }).check();
  },
  sender: (apiRoot) => createBotApi({ token, apiRoot, timeoutMs }).send(1, { html: text }),
  picture: (apiRoot) => createBotApi({ token, apiRoot, timeoutMs }).sendPhoto(1, new Uint8Array(500_000), { html: "" }),
  getMe: (apiRoot) => createBotApi({ token, apiRoot, timeoutMs }).me(),
  getUpdates: (apiRoot) => createBotApi({ token, apiRoot, timeoutMs }).updates(0, 0),
  "check of the bot": (api_root) =>
    checkTelegram(appConfig({ "telegram.token": token, "telegram.api_root": api_root }), patience),
  "check of the page": async (public_url) => checkServer(appConfig({ "http.public_url": public_url }), patience),
  "check of the recorder": (_, port) => askReady({ ...appConfig({}).http, port }, timeoutMs),
};

const kinds: readonly HostileKind[] = [
  ...(["endless-body", "endless-chunks", "endless-headers", "endless-gzip", "gzip-bomb"] as const),
  ...(["silent", "stalled-body", "drip-headers", "drip-body", "redirect-loop", "unread-request"] as const),
];

async function peakWhile(work: () => Promise<unknown>): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 10);
  await work();
  clearInterval(watch);
  return (peak - before) / 1e6;
}

test.each(kinds)(
  "every client that gets %s as an answer finishes in time, in bounded memory, and leaves no connection",
  async (kind) => {
    const results = await Promise.all(
      Object.entries(askers).map(async ([name, ask]) => {
        const server: Server = await startHostileServer(kind);
        try {
          let ms = 0;
          const began = performance.now();
          const grown = await peakWhile(async () => {
            for (let n = 0; n < 3; n++) await ask(server.url(kind), server.port);
            ms = performance.now() - began;
          });
          await until(() => server.open() <= 1, `${name} to leave its connections`, 3000);
          expect(server.taken()).toBeGreaterThan(0);
          return { name, ms, grown };
        } finally {
          server.stop();
        }
      }),
    );
    const memory = Math.max(...results.map(({ grown }) => grown));
    const slowest = results.toSorted((a, b) => b.ms - a.ms)[0];
    console.log(
      `${kind.padEnd(16)} ${results.length} askers at once: slowest ${slowest?.name} ${slowest?.ms.toFixed(0)} ms for three, memory +${memory.toFixed(0)} MB`,
    );
    expect(memory).toBeLessThan(200);
    expect(slowest?.ms).toBeLessThan(15_000);
  },
);
