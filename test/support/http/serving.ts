import { mkdir } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import type { DemoControl } from "../../../server/domain/demo.ts";
import type { Incidents } from "../../../server/domain/incidents/incident.ts";
import type { LatestTrades } from "../../../server/domain/latest-trades.ts";
import type { History } from "../../../server/domain/queries.ts";
import type { BookView, Status } from "../../../server/domain/status.ts";
import { type AuthOptions, createOpenAuth } from "../../../server/http/auth/auth.ts";
import type { MetricsText } from "../../../server/http/routes/health.ts";
import type { RawFeed } from "../../../server/http/routes/tardis-routes.ts";
import { createHttpServer } from "../../../server/http/server.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import type { ConfirmedTime } from "../../../server/platform/time/confirmed-time.ts";
import { fakeHistory } from "../fakes/fake-history.ts";
import { fakeIncidents } from "../fakes/fake-incidents.ts";
import { fakeStatus } from "../fakes/fake-status.ts";
import { temporaryFolder } from "../folder.ts";

/** A script that is worth compressing. */
export const longScript: string = "export const same = 1;\n".repeat(200);

export const bookText =
  '{"lastUpdateId":48291849102,"bids":[["86704.77000000","4.67805000"]],"asks":[["86704.78000000","0.10000000"]]}';

/** A server on a free port with a page of three small files; everything it says in its log is kept. */
export async function serve(
  over: {
    status?: () => Status;
    book?: (symbol: string) => BookView | "no_data" | null;
    trades?: LatestTrades["since"];
    mids?: (symbol: string) => readonly (readonly [recvUs: number, mid: number])[];
    history?: History;
    metrics?: MetricsText;
    incidents?: Incidents;
    demo?: DemoControl;
    raw?: RawFeed;
    tickMs?: number;
    port?: number;
    page?: boolean;
    access?: Partial<AuthOptions>;
    time?: () => ConfirmedTime;
  } = {},
) {
  const folder = temporaryFolder();
  const assetsDir = join(folder, "dist");
  await Bun.write(join(folder, "secret.txt"), "not for you");
  await mkdir(assetsDir, { recursive: true });
  if (over.page !== false) {
    await Bun.write(join(assetsDir, "index.html"), '<!doctype html><head><base href="./" /></head>');
    await Bun.write(join(assetsDir, "assets/index-abc.js"), "export {};");
    await Bun.write(join(assetsDir, "assets/long-abc.js"), longScript);
    await Bun.write(join(assetsDir, "static/icon.svg"), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  }
  const lines: string[] = [];
  const server = createHttpServer(
    {
      ...{ host: "127.0.0.1", port: over.port ?? 0, access: { ...createOpenAuth, ...over.access } },
      ...(over.tickMs === undefined ? {} : { tickMs: over.tickMs }),
    },
    {
      status: over.status ?? (() => fakeStatus(1, 3)),
      book: over.book ?? book,
      trades: over.trades ?? (() => ({ trades: [], count: 0 })),
      mids: over.mids ?? (() => []),
      history: over.history ?? fakeHistory(3),
      metrics: over.metrics ?? (() => ({ text: "", contentType: "text/plain" })),
      incidents: over.incidents ?? fakeIncidents(),
      demo: over.demo,
      ...(over.raw === undefined ? {} : { raw: over.raw }),
      ...(over.time === undefined ? {} : { time: over.time }),
      instance: "the-instance",
      assetsDir,
      log: createLog({ level: "debug", format: "text", color: false }, (line) => lines.push(line)),
    },
  );
  const { url, port } = await server.start();
  return {
    server,
    url,
    port,
    lines,
    socketUrl: `${url.replace("http", "ws")}/ws/dashboard`,
    close: server.stop,
  };
}

function book(symbol: string): BookView | "no_data" | null {
  if (symbol === "BTCUSDT" || symbol === "币安人生USDT")
    return { symbol, recv_us: 1763800000123456, net_delay_ms: 114, book: bookText };
  return symbol === "ETHUSDT" ? "no_data" : null;
}

/** A request whose path goes out exactly as written; `fetch` would tidy it up first. */
export function rawGet(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, method, agent: false }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
