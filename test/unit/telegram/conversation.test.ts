import { afterEach, expect, setSystemTime, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VerifyState } from "../../../server/domain/queries.ts";
import { menuCommands } from "../../../server/telegram/bot/bot-commands.ts";
import type { Language } from "../../../server/text/language.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import type { Seen } from "../../support/telegram/bot-api.ts";
import { type BotBench, chat, startBotBench } from "../../support/telegram/bot-fixture.ts";
import { until } from "../../support/wait.ts";

afterEach(() => setSystemTime());

const scripted = [
  ...["/start", "/help", "/status", "/symbols", "/symbols 2", "/symbols eth", "/book", "/book SOLUSDT", "/book soll"],
  ...[
    "/chart ETHUSDT 6h",
    "/chart BTCUSDT 2h",
    "/delay",
    "/gaps",
    "/gaps ETHUSDT",
    "/disk",
    "/today",
    "/today picture",
  ],
  ...[
    "/alerts",
    "/mute",
    "/mute 2h",
    "/mute delay 8h",
    "/mute BTCUSDT 1h",
    "/mute all 2h",
    "/mute delya 90min",
    "/mute 2x",
  ],
  ...["/unmute", "/unmute all", "/verify", "/verify BTCUSDT depth20 2026-11-23", "/verify BTCUSDT depth20 2019-01-01"],
  ...["/logs", "/status@TestNameBot", "/stauts", "/xyzzy"],
];

/** A command that the script leaves out is asked at its end. */
const commands = [
  ...scripted,
  ...menuCommands.map(({ name }) => `/${name}`).filter((line) => !scripted.some((text) => text.startsWith(line))),
];

test("a whole conversation in both languages, every command and every button: word by word as in conversation.txt", async () => {
  const text = [await conversationIn("en"), await conversationIn("ko")].join("\n");
  // The file is written if it is missing, to be read and committed.
  const path = join(import.meta.dir, "../../fixtures/telegram/conversation.txt");
  if (!existsSync(path)) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
  expect(text).not.toContain(String(chat));
}, 60_000);

async function conversationIn(language: Language): Promise<string> {
  setSystemTime(new Date("2026-11-24T15:04:05Z"));
  const bench = await startBotBench({ language, symbols: 30, over: { history: scriptedHistory() } });
  bench.incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20"], severity: "critical" });
  bench.incidents.raise({ rule: "delay", value: 1800, worst: 2400, limit: 1000 });
  const lines: string[] = [];
  await until(() => menus(bench).length === 3, "the menu in each language");
  lines.push(...transcriptOf(menus(bench).at(language === "ko" ? 2 : 1) as Seen));

  const pressed = new Set<string>();
  let read = bench.api.seen.length;
  /** Waits for the whole answer to a question and writes it down. */
  const listen = async (expected: number, what: string): Promise<readonly Seen[]> => {
    await until(() => bench.api.seen.length >= read + expected, what);
    const heard = bench.api.seen.slice(read);
    read = bench.api.seen.length;
    for (const one of heard) lines.push(...transcriptOf(one));
    return heard;
  };
  const ask = async (text: string) => {
    lines.push("", `▶ ${text}`);
    await bench.api.say(text);
    const heard = await listen(/verify \S+ \S+ 2026/.test(text) ? 3 : 1, `an answer to ${text}`);
    return heard.at(-1) as Seen;
  };
  const press = async (on: Seen, button: { text: string; data: string }, expected = 1) => {
    pressed.add(button.data);
    lines.push("", `▶ [${button.text}] ${button.data}`);
    if (!("id" in on)) throw new Error("only messages have buttons");
    await bench.api.press(button.data, { id: on.id, isPicture: "png" in on });
    return (await listen(expected, `an answer to the button ${button.data}`)).at(-1) as Seen;
  };

  for (const text of commands) {
    // Each of these stands for somebody who asks now and then.
    const answer = await ask(text);
    if (
      text === "/status" ||
      text === "/symbols" ||
      text === "/book" ||
      text.startsWith("/chart ETH") ||
      text === "/today picture"
    )
      for (const button of buttonsOf(answer)) if (!pressed.has(button.data)) await press(answer, button);
    if (text === "/alerts") for (const button of buttonsOf(answer).slice(0, 4)) await press(answer, button);
    if (text === "/gaps") await press(answer, buttonsOf(answer).at(-1) ?? fail());
    if (text === "/verify") await press(answer, buttonsOf(answer)[0] ?? fail(), 2);
    if (text === "/unmute") await press(answer, buttonsOf(answer)[0] ?? fail());
    setSystemTime(new Date(Date.now() + 30_000));
  }
  // Those under the message of an incident, which the notifier sends.
  const incident = bench.incidents.raise({ rule: "disk_low", value: 0.92, limit: 0.9 });
  const message: Seen = { kind: "message", id: 4711, text: "", buttons: [] };
  for (const data of [`mute:${incident.id}:60`, `mute:${incident.id}:480`, `ack:${incident.id}`])
    await press(message, { text: "…", data });
  expect(bench.incidents.get(incident.id)?.acknowledged?.by).toBe("@mina");
  for (const data of [`unack:${incident.id}`, "old:button"]) await press(message, { text: "…", data });
  expect(bench.incidents.get(incident.id)?.acknowledged).toBeNull();

  expect(commands.map((text) => text.split(/[ @]/)[0]?.slice(1))).toContainEqual("status");
  const wide = lines.filter((line) => line.startsWith("  │ ")).filter((line) => widthOf(line) - 4 > 36);
  expect(wide).toEqual([]);
  expect(bench.log.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  await bench.stop();
  return `${lines.join("\n")}\n`;
}

function fail(): never {
  throw new Error("there is no such button");
}

function menus({ api }: BotBench): readonly Seen[] {
  return api.seen.filter(({ kind }) => kind === "menu");
}

/** Checks of archives; the second check is still running when asked for. */
function scriptedHistory() {
  let state: VerifyState = { kind: "idle" };
  let looks = 0;
  let checks = 0;
  return fakeHistory(30, 45, {
    verify(day) {
      looks = checks++ === 0 ? 60 : 0;
      state = { kind: "running", day, progress: 0.4, started_us: Date.now() * 1000 - 3e6 };
      return "started";
    },
    verification() {
      if (state.kind === "running" && ++looks > 60)
        state = {
          kind: "done",
          day: state.day,
          started_us: state.started_us,
          ended_us: state.started_us + 4e6,
          problems: [],
        };
      return state;
    },
  });
}

function buttonsOf(seen: Seen) {
  return "buttons" in seen ? seen.buttons.flat() : [];
}

function transcriptOf(seen: Seen): string[] {
  if (seen.kind === "toast") return [`  (${seen.text})`];
  if (seen.kind === "menu") return ["The menu", ...seen.commands.map((one) => `  /${one.command}  ${one.description}`)];
  const head = {
    message: "◀",
    edit: "◀ in its place:",
    picture: "◀ [a picture]",
    "new picture": "◀ [another picture in its place]",
  };
  const rows = seen.buttons.map((row) => `    ${row.map(({ text }) => `[ ${text} ]`).join(" ")}`);
  return [head[seen.kind], ...seen.text.split("\n").map((line) => `  ${line}`.trimEnd()), ...rows];
}

function widthOf(line: string): number {
  return [...line].reduce((sum, letter) => sum + (/[ᄀ-힣]/.test(letter) ? 2 : 1), 0);
}
