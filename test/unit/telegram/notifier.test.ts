import { expect, test } from "bun:test";
import { createLog } from "../../../server/platform/log/log.ts";
import { createIncidentButtons } from "../../../server/telegram/bot/incident-buttons.ts";
import { evening } from "../../support/telegram/evening.ts";
import { refusal, type SeenMessage } from "../../support/telegram/fake-telegram.ts";

const hour = 3600;
const visible = (messages: readonly SeenMessage[]) => messages.filter(({ isDeleted }) => !isDeleted);
const disconnected = { rule: "disconnected", severity: "critical" } as const;

test("an incident is one message: a sound at its beginning, changed while it lasts, a silent reply at its end", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const { id } = incidents.raise({ ...disconnected, detail: "stream.binance.com:9443: refused" });
  await night.pass(2);
  const [message] = telegram.chat(42);
  expect(message).toMatchObject({ silent: false, replyTo: null, edits: 0 });
  expect(message?.text).toStartWith(
    "🔴 NOT RECORDING · No connection to Binance · it reconnects by itself\nSince 22:00 UTC",
  );
  expect(message?.buttons).toEqual([`Acknowledge=ack:${id}`, `🔕 1 h=mute:${id}:60`, `🔕 8 h=mute:${id}:480`]);
  await night.pass(600);
  expect(telegram.chat(42)).toHaveLength(1);
  expect(message?.text).toContain("for 10\u00a0min");
  incidents.close(id, { records_lost: 0 });
  await night.pass(5);
  expect(message).toMatchObject({
    buttons: [],
    text: expect.stringMatching(
      /^✅ Over after 10\u00a0min · No connection to Binance · no records lost\n22:00–22:10 UTC\n/,
    ),
  });
  expect(telegram.chat(42).slice(1)).toMatchObject([
    {
      silent: true,
      replyTo: message?.id,
      text: "✅ Over after 10\u00a0min · No connection to Binance · no records lost",
    },
  ]);
  await night.pass(3 * hour);
  expect(telegram.chat(42)).toHaveLength(2);
  await night.stop();
});

test("trades that are fetched again afterwards make the loss smaller in the messages, without another word", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const { id } = incidents.raise(disconnected);
  await night.pass(600);
  const { to_us } = incidents.close(id, { records_lost: 1240 });
  await night.pass(10);
  expect(telegram.chat(42).map(({ text }) => text)).toEqual([
    expect.stringContaining(" · 1,240 records lost\n"),
    "✅ Over after 10\u00a0min · No connection to Binance · 1,240 records lost",
  ]);
  incidents.change(id, { records_lost: 0, records_lost_estimate: 1234, to_us });
  await night.pass(60);
  expect(telegram.chat(42).map(({ text }) => text)).toEqual([
    expect.stringContaining(" · about 1,200 book updates lost\n"),
    "✅ Over after 10\u00a0min · No connection to Binance · about 1,200 book updates lost",
  ]);
  await night.pass(1000);
  const calls = telegram.calls.length;
  incidents.change(id, { records_lost: 7 });
  await night.pass(100);
  expect(telegram.calls).toHaveLength(calls);
  await night.stop();
});

test("a message is changed at most every 45 seconds, and only when its text has changed", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const { id } = incidents.raise({ rule: "delay", value: 1000, worst: 1000, limit: 1000 });
  const editsAt: number[] = [];
  telegram.onSeen((kind) => kind === "edit" && editsAt.push(night.nowUs() / 1e6));
  for (let second = 0; second < 300; second++) {
    incidents.change(id, { value: 1000 + second * 10, worst: 1000 + second * 10 });
    await night.pass(1);
  }
  expect(editsAt.length).toBeGreaterThan(3);
  expect(Math.min(...editsAt.slice(1).map((at, n) => at - (editsAt[n] ?? 0)))).toBeGreaterThanOrEqual(45);
  // From here on only the time changes: minutes up to ten, then steps of five, of a quarter of an hour, of an hour.
  const before = editsAt.length;
  await night.pass(12 * hour, 5);
  expect(editsAt.length - before).toBeLessThan(50);
  expect(telegram.calls.filter(({ method }) => method === "editMessageText")).toHaveLength(editsAt.length);
  await night.stop();
});

test("an unacknowledged incident is repeated after 1, 2, 4, 8 and then every 24 hours, each time replacing the last reminder", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const startUs = night.nowUs();
  const soundsAt: number[] = [];
  telegram.onSeen((kind, _, { silent }) => {
    if (kind === "message" && !silent) soundsAt.push(Math.round((night.nowUs() - startUs) / 3.6e9));
  });
  const { id } = incidents.raise(disconnected);
  await night.pass(64 * hour, 60);
  expect(soundsAt).toEqual([0, 1, 3, 7, 15, 39, 63]);
  expect(visible(telegram.chat(42))).toMatchObject([
    { replyTo: null },
    {
      replyTo: 1,
      text: "🔴 For 2\u00a0d\u00a015\u00a0h · NOT RECORDING · No connection to Binance · it reconnects by itself",
      buttons: [expect.any(String), expect.any(String), expect.any(String)],
    },
  ]);
  incidents.close(id);
  await night.pass(10);
  expect(visible(telegram.chat(42)).map(({ silent }) => silent)).toEqual([false, true]);
  await night.stop();
});

test("who acknowledges it hears no more of it until it is over or worse", async () => {
  const night = await evening();
  const { incidents, telegram, notifier } = night;
  const buttons = createIncidentButtons(
    { language: "en", timeZone: "UTC" },
    { incidents, refresh: notifier.refresh, nowUs: night.nowUs },
  );
  const { id } = incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20"] });
  await night.pass(5);
  expect(buttons.press(`ack:${id}`, "Kim <b>")).toBe("Acknowledged: no more reminders.");
  await night.pass(2);
  expect(telegram.chat(42)[0]?.text).toContain("Acknowledged by Kim <b> at 22:00; no more reminders.");
  const offered = () => telegram.chat(42)[0]?.buttons.map((button) => button.split("=")[0]);
  expect(offered()).toEqual(["Take back", "🔕 1 h", "🔕 8 h"]);
  await night.pass(30 * hour, 60);
  expect(telegram.chat(42)).toHaveLength(1);
  incidents.change(
    id,
    { severity: "critical", subjects: ["BTCUSDT depth20", "ETHUSDT depth20"], subject_count: 2 },
    "worse",
  );
  await night.pass(5);
  expect(telegram.chat(42)[1]).toMatchObject({
    silent: false,
    replyTo: 1,
    text: "🔴 Worse · PARTLY RECORDING · No data from BTCUSDT depth20, ETHUSDT depth20 · it retries by itself",
  });
  expect(buttons.press(`ack:${id}x`, "Kim")).toBeNull();
  expect(buttons.press("symbols", "Kim")).toBeNull();
  incidents.close(id);
  expect(buttons.press(`mute:${id}:60`, "Kim")).toBe("This incident is already over.");
  await night.stop();
});

test("an acknowledgement can be taken back under the message: it says so, and reminders go on", async () => {
  const night = await evening();
  const { incidents, telegram, notifier } = night;
  const buttons = createIncidentButtons(
    { language: "en", timeZone: "UTC" },
    { incidents, refresh: notifier.refresh, nowUs: night.nowUs },
  );
  const { id } = incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20"] });
  await night.pass(5);
  for (const _ of [1, 2]) expect(buttons.press(`ack:${id}`, "Kim")).toBe("Acknowledged: no more reminders.");
  for (const _ of [1, 2]) expect(buttons.press(`unack:${id}`, "Lee")).toBe("Taken back: reminders go on.");
  await night.pass(2);
  expect(incidents.get(id)?.acknowledged).toBeNull();
  expect(telegram.chat(42)[0]?.text).not.toContain("Acknowledged");
  expect(telegram.chat(42)[0]?.buttons[0]).toBe(`Acknowledge=ack:${id}`);
  await night.pass(2 * hour, 60);
  expect(
    telegram
      .chat(42)
      .map(({ text }) => text)
      .at(-1),
  ).toStartWith("🟠 For 1\u00a0h · PARTLY RECORDING · No data from BTCUSDT depth20");
  await night.stop();
});

test("a mute silences its incidents, the message says so, and incidents that outlast the mute are reported then", async () => {
  const night = await evening();
  const { incidents, telegram, notifier } = night;
  const buttons = createIncidentButtons(
    { language: "en", timeZone: "UTC" },
    { incidents, refresh: notifier.refresh, nowUs: night.nowUs },
  );
  const { id } = incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20", "BTCUSDT aggTrade"] });
  await night.pass(2);
  expect(buttons.press(`mute:${id}:60`, "Kim")).toBe("Muted until 23:00 UTC: No data, BTCUSDT");
  expect(incidents.mutes()).toMatchObject([{ rule: "stale", symbol: "BTCUSDT", kind: "mute", by: "Kim" }]);
  await night.pass(2);
  expect(telegram.chat(42)[0]).toMatchObject({ buttons: [], text: expect.stringContaining("Muted until 23:00.") });
  incidents.close(id);
  const again = incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20"] });
  const other = incidents.raise({ rule: "stale", subjects: ["ETHUSDT depth20"] });
  await night.pass(60);
  expect(telegram.chat(42).map(({ text }) => text.split("\n")[0])).toEqual([
    expect.stringContaining("Over after"),
    "🟠 PARTLY RECORDING · No data from ETHUSDT depth20 · it retries by itself",
  ]);
  await night.pass(hour);
  const told = telegram.chat(42).map(({ text }) => text.split("\n")[0]);
  expect(told).toContain("🟠 PARTLY RECORDING · No data from BTCUSDT depth20 · it retries by itself");
  for (const { id } of [again, other]) incidents.close(id);
  await night.stop();
});

test("an incident that is muted from beginning to end is never reported", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  incidents.mute({ rule: null, symbol: null, kind: "maintenance" }, night.nowUs() + 600e6, "cron");
  const { id } = incidents.raise(disconnected);
  await night.pass(100);
  incidents.close(id);
  await night.pass(1000);
  await night.restart();
  await night.pass(10);
  expect(telegram.calls).toEqual([]);
  await night.stop();
});

test("an incident for information makes no sound, is never repeated and has no buttons", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const now = night.nowUs();
  incidents.raise({
    rule: "gap",
    severity: "info",
    subjects: ["BTCUSDT depth20"],
    value: 12,
    from_us: now - 12e6,
    to_us: now,
  });
  await night.pass(5 * hour);
  expect(telegram.chat(42)).toMatchObject([
    {
      silent: true,
      buttons: [],
      text: "🔵 Gap in BTCUSDT depth20: 12\u00a0s\nAt 22:00 UTC\n→ See /gaps for the streams and the cause.\nhome-server",
    },
  ]);
  await night.stop();
});

test("more than five incidents at once come as one message, with one reply when they are over", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const ids = (["cpu", "memory", "backlog", "upload", "disk_low", "clock_offset", "public_url"] as const).map(
    (rule) => incidents.raise({ rule }).id,
  );
  await night.pass(20);
  expect(telegram.chat(42)).toMatchObject([
    { text: expect.stringMatching(/^🟠 7 incidents at once · Recording\nStill open \(\/alerts\):\n/), silent: false },
  ]);
  await night.pass(hour + 60);
  expect(telegram.chat(42)[1]?.text.split("\n")).toHaveLength(8);
  for (const id of ids) incidents.close(id);
  await night.pass(20);
  expect(telegram.chat(42)).toHaveLength(3);
  expect(telegram.chat(42)[2]).toMatchObject({
    silent: true,
    replyTo: 1,
    text: expect.stringMatching(/^✅ 7 incidents over · Recording\n/),
  });
  await night.stop();
});

test("a restart neither repeats nor forgets: messages go on where they were, and what ended meanwhile is closed", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const lasting = incidents.raise(disconnected).id;
  const ending = incidents.raise({ rule: "cpu" }).id;
  await night.pass(10);
  expect(telegram.chat(42)).toHaveLength(2);
  await night.notifier.stop(1000);
  incidents.close(ending);
  const missed = incidents.raise({ rule: "disk_low" });
  const muchLater = incidents.raise({ rule: "memory" });
  incidents.close(muchLater.id);
  await night.pass(30);
  await night.restart();
  await night.pass(20);
  const heads = telegram.chat(42).map(({ text }) => text.split("\n")[0]);
  expect(heads[0]).toBe("🔴 NOT RECORDING · No connection to Binance · it reconnects by itself");
  expect(heads[1]).toStartWith("✅ Over after 10\u00a0s · CPU at its limit · no records lost");
  expect(heads).toContain("🟠 Recording · Disk nearly full · free some space");
  expect(heads.filter((head) => head?.includes("Memory running short"))).toHaveLength(1);
  await night.restart();
  await night.restart();
  await night.pass(20);
  expect(telegram.chat(42).filter(({ replyTo }) => replyTo === null)).toHaveLength(4);
  for (const id of [lasting, missed.id]) incidents.close(id);
  await night.stop();
});

test("every chat has its own messages, and a chat that refuses them does not delay the others", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const night = await evening({ chats: [42, -7, 43], log });
  const { incidents, telegram } = night;
  telegram.script(({ chat }) => (chat === 43 ? refusal(403, "Forbidden: bot was blocked by the user") : null));
  const { id } = incidents.raise(disconnected);
  await night.pass(20 * 60);
  incidents.close(id);
  await night.pass(20);
  expect([42, -7, 43].map((chat) => telegram.chat(chat).length)).toEqual([2, 2, 0]);
  expect(telegram.calls.filter(({ chat }) => chat === 43).length).toBeLessThan(6);
  expect(lines.filter((line) => line.includes("blocked"))).toHaveLength(1);
  expect(lines.join("")).toContain("unblock the bot in Telegram, or take the chat out of telegram.chats");
  expect(night.notifier.status()).toMatchObject({
    state: "refused",
    last_error: expect.stringContaining("unblock the bot"),
  });
  telegram.script(() => null);
  await night.pass(2 * hour);
  expect(night.notifier.status()).toMatchObject({ state: "ok", waiting: 0, last_error: null });
  expect(telegram.chat(43)).toMatchObject([{ silent: true, text: expect.stringContaining("Over after 20\u00a0min") }]);
  await night.stop();
});

test("a wrong token is logged once, with advice, and tried again now and then; with the right token everything is sent at once", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const night = await evening({ chats: [42, 43], log });
  const { incidents, telegram, notifier } = night;
  telegram.script(() => refusal(401, "Unauthorized"));
  incidents.raise(disconnected);
  await night.pass(2 * hour, 5);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("put the token from @BotFather into telegram.token");
  expect(notifier.status()).toMatchObject({
    state: "refused",
    waiting: 2,
    last_error: expect.stringContaining("token"),
  });
  expect(telegram.calls.length).toBeLessThanOrEqual(12);
  telegram.script(() => null);
  await night.pass(hour, 5);
  expect([42, 43].map((chat) => telegram.chat(chat)[0]?.text.split("\n")[0])).toEqual(
    Array(2).fill("🔴 NOT RECORDING · No connection to Binance · it reconnects by itself"),
  );
  expect(notifier.status()).toMatchObject({ state: "ok", waiting: 0 });
  await night.stop();
});

test("Telegram's retry_after is kept to, to the second, for the chat that it concerns", async () => {
  const night = await evening({ chats: [42, 43] });
  const { incidents, telegram } = night;
  const startUs = night.nowUs();
  let isRefusing = true;
  const at: number[] = [];
  telegram.script(({ chat }) => {
    if (chat !== 42) return null;
    at.push(Math.round((night.nowUs() - startUs) / 1e6));
    return isRefusing ? refusal(429, "Too Many Requests: retry after 37", { retry_after: 37 }) : null;
  });
  incidents.raise(disconnected);
  await night.pass(2);
  isRefusing = false;
  await night.pass(60);
  expect((at[1] ?? 0) - (at[0] ?? 0)).toBe(37);
  expect(telegram.chat(42)).toHaveLength(1);
  expect(telegram.chat(43)).toHaveLength(1);
  await night.stop();
});

test("a group that became a supergroup is told under its new id from then on, also after a restart, and says so", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const night = await evening({ chats: [-7], log });
  const { incidents, telegram } = night;
  telegram.script(({ chat }) =>
    chat === -7
      ? refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -1007 })
      : null,
  );
  incidents.raise(disconnected);
  await night.pass(30);
  expect(telegram.chat(-1007).map(({ text }) => text.split("\n")[0])).toEqual([
    "🔴 NOT RECORDING · No connection to Binance · it reconnects by itself",
    "This group has become a supergroup, and its id is now -1007. Please replace -7 with it in telegram.chats.",
  ]);
  expect(lines.filter((line) => line.includes("telegram.chats") && line.includes("new_id=-1007"))).toHaveLength(1);
  await night.restart();
  expect(night.notifier.chats()).toEqual([-1007]);
  incidents.raise({ rule: "cpu" });
  await night.pass(10);
  expect(telegram.calls.filter(({ chat }) => chat === -7)).toHaveLength(1);
  expect(telegram.chat(-1007)).toHaveLength(3);
  await night.stop();
});

test("of a message that Telegram does not take the first line is sent", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  telegram.script(({ payload }) =>
    String(payload.text).includes("\n") ? refusal(400, "Bad Request: BUTTON_DATA_INVALID") : null,
  );
  incidents.raise({ ...disconnected });
  await night.pass(10);
  expect(telegram.chat(42)).toMatchObject([
    { silent: false, text: "🔴 NOT RECORDING · No connection to Binance · it reconnects by itself" },
  ]);
  await night.stop();
});

test("a deleted message is not sent again; the end of its incident is still reported", async () => {
  const night = await evening();
  const { incidents, telegram } = night;
  const { id } = incidents.raise(disconnected);
  await night.pass(5);
  const [message] = telegram.chat(42);
  if (message !== undefined) message.isDeleted = true;
  await night.pass(600);
  incidents.close(id);
  await night.pass(10);
  expect(telegram.chat(42)).toHaveLength(2);
  expect(telegram.chat(42)[1]?.text).toBe("✅ Over after 10\u00a0min · No connection to Binance");
  await night.stop();
});

test("from cause to message it takes no more than a second beyond the incident's hold time", async () => {
  const night = await evening({ chats: [42, -7] });
  const { incidents, telegram } = night;
  for (let n = 0; n < 20; n++) {
    const raisedUs = night.nowUs();
    const before = telegram.chat(-7).length;
    incidents.raise({ rule: "delay", detail: `number ${n}` });
    let seconds = 0;
    while (telegram.chat(-7).length === before && seconds++ < 10) await night.pass(1);
    expect((night.nowUs() - raisedUs) / 1e6).toBeLessThanOrEqual(3);
    await night.pass(200);
    for (const { id } of incidents.open()) incidents.close(id);
    await night.pass(20);
  }
  await night.stop();
});
