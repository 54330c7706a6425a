import { expect, test } from "bun:test";
import { join } from "node:path";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import type { Status } from "../../../server/domain/status.ts";
import { menuCommands } from "../../../server/telegram/bot/bot-commands.ts";
import { builtExecutable } from "../../support/executable.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { nextSeen, type Seen, startBotApi } from "../../support/telegram/bot-api.ts";
import { chat, token } from "../../support/telegram/bot-fixture.ts";
import { until } from "../../support/wait.ts";

const built = await builtExecutable();

/** No alerts: on a busy machine an alert might come in between. */
const withoutAlerts = Object.fromEntries(
  incidentRules.map((rule) => [`RT_DATA_ALERTS_${rule.toUpperCase()}_ENABLED`, "false"]),
);

/** The demo with a bot, as a process of its own, and the emulated Telegram that it talks to. */
async function startDemo(program: readonly string[], env: Record<string, string> = {}) {
  const folder = temporaryFolder();
  const api = await startBotApi(token, chat);
  const running = start([...program, "demo", "--port", "0", "--data-dir", join(folder, "data")], {
    cwd: folder,
    env: {
      ...{
        PATH: "",
        RT_DATA_ARCHIVE_LEVEL: "3",
        RT_DATA_TELEGRAM_TOKEN: token,
        RT_DATA_TELEGRAM_CHATS: String(chat),
        TZ: "UTC",
      },
      ...{ RT_DATA_TELEGRAM_API_ROOT: api.url, RT_DATA_TELEGRAM_DIGEST_TIME: "off", ...withoutAlerts, ...env },
    },
  });
  const url = await running.url();
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
  await until(async () => (await status()).ready, "data to flow");
  await until(() => api.seen.length >= 3, "the menu in each language");
  return {
    ...{ api, running, status },
    /** The answer to a question. */
    async ask(text: string): Promise<Seen> {
      const before = api.seen.length;
      await api.say(text);
      return nextSeen(api, before, `an answer to ${text}`, 20_000);
    },
    async stop() {
      running.kill("SIGTERM");
      expect(await running.ended).toBe(0);
      expect(running.output() + running.errors()).not.toContain(token.slice(12));
      await api.stop();
    },
  };
}

function textOf(seen: Seen): string {
  return "text" in seen ? seen.text : "";
}

test("the real program answers every command in Korean, draws its charts, knows its strangers, and never prints the token", async () => {
  const demo = await startDemo(rtData, { RT_DATA_TELEGRAM_LANGUAGE: "ko", RT_DATA_LOG_LEVEL: "debug" });
  const answers = new Map<string, Seen>();
  for (const { name } of menuCommands) answers.set(name, await demo.ask(`/${name}`));
  for (const [name, seen] of answers) {
    expect([name, textOf(seen)]).not.toEqual([name, expect.stringContaining("처리하지 못했습니다")]);
    expect([name, /[가-힣]/.test(textOf(seen))]).toEqual([name, true]);
  }
  expect(textOf(answers.get("status") as Seen)).toContain("심볼 3개, 초당 ");
  expect(textOf(answers.get("symbols") as Seen)).toMatch(/^BTCUSDT +\d/m);
  expect(textOf(answers.get("book") as Seen)).toMatch(/^매도 [\d,.]+ +\S+$/m);
  expect(answers.get("chart")).toMatchObject({ kind: "picture" });
  expect(await demo.ask("/today picture")).toMatchObject({ kind: "picture" });
  const stranger = { id: 5, first_name: "Mallory", is_bot: false };
  demo.api.put({
    message: { message_id: 1, date: 4e9, chat: { id: 5, type: "private" }, from: stranger, text: "/status" },
  });
  await until(async () => (await demo.status()).bot?.strangers === 1, "the stranger to be counted");
  expect((await demo.status()).bot).toMatchObject({ state: "listening", name: "TestNameBot" });
  expect(textOf(await demo.ask("/logs"))).toContain("chat=5 name=Mallory");
  await demo.stop();
}, 60_000);

test("the executable alone draws a chart, in an empty folder with an empty PATH", async () => {
  const demo = await startDemo([built]);
  expect(textOf(await demo.ask("/status"))).toContain("Recording · 3 symbols");
  const chart = await demo.ask("/chart ETHUSDT 1h");
  if (!("png" in chart)) throw new Error(`no picture: ${textOf(chart)}`);
  expect([...chart.png.slice(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
  expect(chart.png.length).toBeGreaterThan(20_000);
  await demo.stop();
}, 60_000);
