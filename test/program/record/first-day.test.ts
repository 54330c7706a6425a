import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Listed } from "../../../server/cli/data/ls-report.ts";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import type { CoverageTable, Page, TodayCoverage } from "../../../server/domain/queries.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { missingToday, receiveToday } from "../../../web/src/state/today.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { nextSeen, startBotApi } from "../../support/telegram/bot-api.ts";
import { chat, token } from "../../support/telegram/bot-fixture.ts";
import { until } from "../../support/wait.ts";

const withoutAlerts = Object.fromEntries(
  incidentRules.map((rule) => [`RT_DATA_ALERTS_${rule.toUpperCase()}_ENABLED`, "false"]),
);

test("on the first day no data is missing: page, API, ls, ls --days, verify and bot say the same, also of a symbol that is added later", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 3 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const api = await startBotApi(token, chat);
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const file = join(folder, "rt-data.toml");
  const configure = (symbols: string) =>
    writeFileSync(
      file,
      `[record]\nsymbols = [${symbols}]\ndata_dir = "${dataDir}"\n[exchange]\nws_url = "${wsUrl}"\n` +
        `rest_url = "${restUrl}"\n[feed]\nstale_ms = 50000\n[http]\nport = 0\n`,
    );
  configure('"BTCUSDT"');
  const program = start([...rtData, "record", "--config", file], {
    env: {
      ...{ RT_DATA_TELEGRAM_TOKEN: token, RT_DATA_TELEGRAM_CHATS: String(chat), TZ: "UTC", ...withoutAlerts },
      ...{ RT_DATA_TELEGRAM_API_ROOT: api.url, RT_DATA_TELEGRAM_DIGEST_TIME: "off" },
    },
  });
  const url = await program.url();
  const get = async <T>(path: string) => (await (await fetch(`${url}/api/${path}`)).json()) as T;
  const today = () => get<TodayCoverage>("coverage/today");
  await until(async () => (await today()).days.every(({ first_us }) => first_us !== null), "a record of each stream");
  configure('"BTCUSDT", "ETHUSDT"');
  program.kill("SIGHUP");
  await until(
    async () => {
      const { days } = await today();
      return days.length === 4 && days.every(({ coverage }) => coverage !== null);
    },
    "a finished minute of each stream",
    150_000,
  );

  const { days } = await today();
  expect(await get<Page<unknown>>("gaps")).toEqual({ items: [], next: null });
  for (const { coverage, missing_s, spans } of days) {
    expect([coverage, missing_s]).toEqual([1, 0]);
    expect(spans.map(([, , state]) => state).filter((state) => state === "missing" || state === "partial")).toEqual([]);
  }
  receiveToday(await today());
  expect(missingToday.value).toBe(0);
  const { rows } = await get<CoverageTable>("coverage");
  for (const { symbol, coverage, missing_s, first_us } of rows) {
    expect([coverage.at(-1), missing_s.at(-1)]).toEqual([1, 0]);
    // Days before the first record are unknown, and the first record tells that they were not due.
    expect(first_us).toBe(Math.min(...days.filter((day) => day.symbol === symbol).map((day) => day.first_us ?? 0)));
  }
  for (const words of [[], ["--days"]]) {
    const listed: Listed[] = JSON.parse((await run(["ls", "--json", "--data-dir", dataDir, ...words])).output);
    expect(new Set(listed.map(({ coverage, missing_us }) => `${coverage} ${missing_us}`))).toEqual(new Set(["1 0"]));
  }
  const verified = await run(["verify", "--data-dir", dataDir]);
  expect(verified.output).toContain("0 with gaps, 0 damaged");
  expect(verified.code).toBe(0);
  const before = api.seen.length;
  await api.say("/status");
  const status = await nextSeen(api, before, "an answer to /status", 20_000);
  expect("text" in status && status.text).toContain("Today (UTC): 100% recorded, no gaps");
  await api.say("/today");
  const answer = await nextSeen(api, before + 1, "an answer to /today", 20_000);
  expect("text" in answer && answer.text).toContain("2 symbols, all of them whole");

  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  await api.stop();
  await exchange.stop();
}, 240_000);
