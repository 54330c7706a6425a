import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { which } from "bun";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";
import { startExchange, symbols } from "../clients/exchange-under-test.ts";
import type { BookReport } from "../clients/follow-books.ts";
import { startLines, stopAllLines } from "../clients/line-process.ts";

const node = which("node");

afterAll(stopAllLines);

/** Bun puts a WebSocket of its own in the place of the package `ws`; under Node the clients run as their authors know them. */
test.skipIf(node === null)(
  `@binance/spot and binance keep unbroken local books under Node, and come back after a cut${node === null ? " (no node here)" : ""}`,
  async () => {
    const market = await startExchange({ pingMs: 100, pongTimeoutMs: 10_000, incomingPerSecond: 100 });
    const program = await bundle();
    const child = startLines([node ?? "", program, market.urls.wsUrl, market.urls.restUrl, "300", ...symbols]);
    const { version, reports } = (await child.next()) as { version: string; reports: BookReport[][] };
    expect(version).toMatch(/^v\d+/);
    expect(reports.flat().length).toBe(4);
    for (const report of reports.flat()) {
      expect(report).toMatchObject({ breaks: 0, differing: 0, unknownIds: 0 });
      expect(report.applied).toBeGreaterThanOrEqual(300);
      // How many books can be compared depends on how the machine is loaded; under Bun it is nearly all of them.
      expect(report.compared).toBeGreaterThan(0);
    }

    const settled = () => {
      const { connections, streams } = market.exchange.stats();
      return connections === 2 && streams === 2;
    };
    for (const how of ["terminate" as const, { code: 1008, reason: "Pong timeout" }]) {
      await until(settled, "both clients on their trades");
      const { connectionsTotal } = market.exchange.stats();
      market.exchange.disconnectAll(how);
      await until(() => market.exchange.stats().connectionsTotal === connectionsTotal + 2, "both to come back");
      const again = new Set<string>();
      await until(() => {
        for (const { connection, stream } of market.sent.splice(0)) {
          if (connection > connectionsTotal) again.add(`${connection} ${stream}`);
        }
        return again.size === 4;
      }, "the trades of both symbols on both new connections");
    }
    await child.stop();
    await market.exchange.stop();
  },
);

async function bundle(): Promise<string> {
  const outdir = temporaryFolder();
  const entry = join(import.meta.dir, "../clients/node-program.ts");
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "node", outdir, naming: "[name].mjs" });
  return outputs[0]?.path ?? "";
}
