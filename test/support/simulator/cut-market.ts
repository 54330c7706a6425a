import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { type Program, rtData, start } from "../program.ts";
import { until } from "../wait.ts";

/** A recorder's process on a busy exchange that can be cut off and come back at the same address. */
export async function startCutMarket(dataDir: string) {
  const symbols = ["BTCUSDT", "ETHUSDT"];
  const source = createSyntheticMarket({ symbols, seed: 5, speed: 3 });
  const open = (port: number) =>
    createSimulatedExchange({ port, connectsPer5Minutes: Number.POSITIVE_INFINITY }, { source, log: silentLog });
  let exchange = open(0);
  const { port, wsUrl, restUrl } = await exchange.start();
  const programs: Program[] = [];

  function spawn(env: Record<string, string> = {}): { program: Program } {
    const words = [...rtData, "record", "--data-dir", dataDir, "--port", "0"];
    const program = start(words, {
      env: {
        ...{ RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl, RT_DATA_RECORD_FLUSH_MS: "200" },
        ...{ RT_DATA_RECORD_SYMBOLS: symbols.join(","), RT_DATA_LOG_FORMAT: "json" },
        ...{ RT_DATA_ALERTS_CATALOGUE_AWAY_HOLD_S: "0", RT_DATA_ALERTS_CATALOGUE_AWAY_CLEAR_S: "0" },
        ...env,
      },
    });
    programs.push(program);
    return { program };
  }

  return {
    /** Starts a recorder and does not wait for it. */
    spawn,
    /** Starts a recorder and resolves with it and how long it took to print its address, ms. */
    async record(env: Record<string, string> = {}) {
      const began = performance.now();
      const { program } = spawn(env);
      const url = await program.url();
      const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
      return { program, url, status, tookMs: performance.now() - began };
    },
    cut: () => exchange.stop(),
    async restore() {
      exchange = open(port);
      await exchange.start();
    },
    async stop() {
      for (const program of programs) program.kill("SIGKILL");
      await exchange.stop();
    },
  };
}

/** Waits until a recorder has written something. */
export async function records(status: () => Promise<Status>): Promise<void> {
  const { totals } = await status();
  await until(
    async () => (await status()).totals.bytes_written > totals.bytes_written,
    "records to be written",
    30_000,
  );
}
