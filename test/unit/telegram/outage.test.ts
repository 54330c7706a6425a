import { expect, test } from "bun:test";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { evening } from "../../support/telegram/evening.ts";
import { refusal } from "../../support/telegram/fake-telegram.ts";

test("Telegram out of reach for an hour with 30 incidents: no queue grows, few calls are made, and one summary with the open incidents follows", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const night = await evening({ log, chats: [42] });
  const { incidents, telegram, notifier } = night;
  telegram.script(() => {
    throw new Error("getaddrinfo ENOTFOUND telegram.test");
  });
  const open: number[] = [];
  for (let n = 0; n < 30; n++) {
    const rule = incidentRules[n % incidentRules.length] ?? "gap";
    const { id } = incidents.raise({ rule, severity: n % 3 === 0 ? "critical" : "warning", detail: `number ${n}` });
    await night.pass(90);
    if (n < 27) incidents.close(id, { records_lost: n });
    else open.push(id);
    await night.pass(30);
  }
  expect(notifier.status()).toMatchObject({ state: "unreachable", waiting: 30, sent: 0 });
  expect(notifier.status().last_error).toContain("ENOTFOUND");
  // 5, 10, 20, 40, 80, 160 s, then every five minutes.
  expect(telegram.calls.length).toBeLessThanOrEqual(18);
  expect(lines).toHaveLength(1);

  telegram.script(() => null);
  await night.pass(330);
  const messages = telegram.chat(42);
  expect(messages).toHaveLength(4);
  expect(messages.slice(0, 3).map(({ silent }) => silent)).toEqual([false, false, false]);
  expect(messages[3]).toMatchObject({ silent: true });
  const summary = messages[3]?.text.split("\n") ?? [];
  expect(summary[0]).toMatch(/^⚠️ Telegram was unreachable for 1\u00a0h · 27 incidents meanwhile · /);
  expect(summary.slice(1, 3)).toEqual([expect.stringMatching(/^22:00–23:0\d UTC$/), "Over by now:"]);
  expect(summary.slice(3, -1)).toHaveLength(27);
  expect(summary[3]).toBe("✅ No connection to Binance, 1\u00a0min\u00a030\u00a0s from 22:00 · no records lost");
  expect(summary.at(-1)).toBe("home-server");
  expect(notifier.status()).toMatchObject({ state: "ok", waiting: 0, last_error: null });
  expect(lines).toHaveLength(2);
  for (const id of open) incidents.close(id);
  await night.pass(20);
  await night.stop();
});

test("Telegram out of reach for days: at most a hundred incidents wait, older incidents are counted, even across a restart", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  telegram.script(() => refusal(502, "Bad Gateway"));
  for (let n = 0; n < 250; n++) {
    const { id } = incidents.raise({ rule: "stale", subjects: [`SYM${n}USDT`] });
    await night.pass(5);
    incidents.close(id);
    if (n === 200) await night.restart();
  }
  expect(night.notifier.status().waiting).toBe(100);
  telegram.script(() => null);
  await night.pass(330);
  expect(telegram.chat(42)).toHaveLength(1);
  const [{ text } = { text: "" }] = telegram.chat(42);
  expect(text.length).toBeLessThanOrEqual(4096);
  const listed = text.split("\n").filter((line) => line.startsWith("✅")).length;
  const more = Number(/^and (\d+) more$/m.exec(text)?.[1]);
  // A line says how many older incidents were left out.
  expect(listed + more).toBe(101);
  await night.stop();
});

test("what a hanging Bot API holds up is one call of each chat", async () => {
  const night = await evening({ chats: [42, 43] });
  const { incidents, telegram } = night;
  telegram.script(() => "hang");
  for (let n = 0; n < 20; n++) {
    incidents.raise({ rule: "delay" });
    await night.pass(10);
  }
  expect(telegram.calls).toHaveLength(2);
  await telegram.stop();
  await night.stop();
});
