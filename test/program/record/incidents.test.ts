import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createFaults } from "../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

type Answer = { readonly open: readonly Incident[]; readonly items: readonly Incident[] };

test("an outage of the exchange is one incident of the real program, which ends with its duration and its losses, even if the program is killed in the middle", async () => {
  const faults = createFaults();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 5 });
  const exchange = createSimulatedExchange({}, { source, faults, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const env = {
    RT_DATA_RECORD_DATA_DIR: join(temporaryFolder(), "data"),
    ...{ RT_DATA_RECORD_SYMBOLS: "BTCUSDT,ETHUSDT", RT_DATA_HTTP_PORT: "0" },
    ...{ RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl },
    ...{ RT_DATA_ALERTS_DISCONNECTED_HOLD_S: "1", RT_DATA_ALERTS_DISCONNECTED_CLEAR_S: "1" },
  };
  const words = [...rtData, "record"];
  const first = start(words, { env });
  let second: ReturnType<typeof start> | null = null;
  try {
    let url = await first.url();
    const read = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T;
    let answer: Answer = { open: [], items: [] };
    const look = async () => {
      answer = await read<Answer>("/api/alerts");
      return answer;
    };
    const records = async () => (await read<Status>("/api/status")).totals.records;
    await until(async () => (await records()) > 50, "data to flow");
    expect((await look()).items).toEqual([]);

    const isOpen = () => answer.open.some(({ rule }) => rule === "disconnected");
    const begin = async () => {
      const outage = faults.begin({ kind: "refused-port" });
      await until(async () => (await look()) && isOpen(), "the incident to begin", 30_000);
      return outage;
    };
    const whole = await begin();
    whole.end();
    await until(async () => (await look()) && !isOpen(), "its end", 30_000);
    // The number of missing trades may be known a moment after the end.
    await until(async () => (await look()).items[0]?.records_lost !== null, "the loss to be known", 30_000);
    const [over] = answer.items;
    const lasted = ((over?.to_us ?? 0) - (over?.from_us ?? 0)) / 1e6;
    expect(over).toMatchObject({ rule: "disconnected", value: Math.round(lasted), worst: Math.round(lasted) });
    // All trades were backfilled; missing books are only estimated: twice ten per second.
    expect(over?.records_lost).toBe(0);
    expect(over?.records_lost_estimate).toBeWithin(10 * lasted, 30 * lasted);

    const begunUs = Date.now() * 1000;
    const outage = await begin();
    const [opened] = answer.open;
    expect(opened).toMatchObject({ rule: "disconnected", severity: "critical", to_us: null });
    expect(((opened?.from_us ?? 0) - begunUs) / 1e6).toBeWithin(-3, 3);
    expect(Date.now() * 1000 - (opened?.from_us ?? 0)).toBeLessThan(13e6);
    expect((await read<Status>("/api/status")).alerts.open).toMatchObject([{ id: opened?.id, muted: false }]);
    await fetch(`${url}/api/alerts/${opened?.id}/acknowledge`, { method: "POST" });

    first.kill("SIGKILL");
    await first.ended;
    second = start(words, { env });
    url = await second.url();
    await until(async () => (await look()).open.length > 0, "the incident of before");
    expect(answer.open).toMatchObject([{ id: opened?.id, acknowledged: { by: "dashboard" } }]);

    outage.end();
    const endedUs = Date.now() * 1000;
    await until(async () => (await look()).open.every(({ rule }) => rule !== "disconnected"), "its end", 30_000);
    const disconnected = answer.items.filter(({ rule }) => rule === "disconnected");
    expect(disconnected).toMatchObject([{ id: opened?.id, from_us: opened?.from_us }, { id: over?.id }]);
    expect(((disconnected[0]?.to_us ?? 0) - endedUs) / 1e6).toBeWithin(-5, 10);
    const crash = answer.items.find(({ rule }) => rule === "crash_recovered");
    expect(crash).toMatchObject({ severity: "info", records_lost: expect.any(Number) });
    expect(crash?.detail).toContain("repair");
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  } finally {
    first.kill("SIGKILL");
    second?.kill("SIGKILL");
    await exchange.stop();
  }
}, 90_000);
