import { expect, test } from "bun:test";
import { createChannels } from "../../../server/app/messaging/channels.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { tryChannels } from "../../../server/cli/check/check-channels.ts";
import { channels as channelKind } from "../../../server/config/channel-values.ts";
import { secretsOf } from "../../../server/config/config.ts";
import { parseChannel } from "../../../server/domain/incidents/channel-target.ts";
import type { Log } from "../../../server/platform/log/log.ts";
import { appConfig } from "../../support/app-config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { secrets, startServices } from "../../support/notify-services.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";
import { until } from "../../support/wait.ts";

const names = ["ntfy", "discord", "slack", "gotify", "apprise"] as const;

/** All channels over real sockets, on a time of their own. */
function bench() {
  let us = Date.parse("2026-11-24T22:00:00Z") * 1000;
  const nowUs = () => us;
  const services = startServices();
  const tables = Object.values(services.urls).map((url) => ({ url }));
  const config = appConfig({ "alerts.channel": JSON.stringify(tables), "telegram.time_zone": "UTC" });
  const lines: string[] = [];
  const write = (message: string, fields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const catalogue = openCatalogue(temporaryFolder());
  const incidents = createScriptedIncidents(nowUs);
  const begin = () => {
    const made = createChannels(config, { catalogue, incidents, nowUs, log, recording: () => "all" });
    made.start();
    return made;
  };
  let channels = begin();
  return {
    ...{ services, config, incidents, lines },
    /** Lets time pass until the condition holds; each step of time is a second. */
    async passUntil(condition: () => boolean, what: string) {
      await until(() => {
        us += 1e6;
        channels.tick();
        return condition();
      }, what);
    },
    leap(seconds: number) {
      us += seconds * 1e6;
      channels.tick();
    },
    async restart() {
      await channels.stop(5000);
      channels = begin();
    },
    async stop() {
      await channels.stop(5000);
      await services.stop();
      catalogue.close();
    },
  };
}

const countOf = (b: ReturnType<typeof bench>, n: number) => () =>
  names.every((name) => b.services.seen(name).length >= n);
const heads = (b: ReturnType<typeof bench>, name: string) =>
  b.services.seen(name).map(({ text }) => text.split("\n")[0]);

test("an incident is one message where the service can change it, else begin, worse and end, also across a restart; no body is refused", async () => {
  const b = bench();
  const { id } = b.incidents.raise({ rule: "disk_low", severity: "warning", value: 8e10, worst: 8e10, limit: 1e11 });
  await b.passUntil(countOf(b, 1), "the beginning");
  for (const name of names)
    expect(heads(b, name)).toEqual(["🟠 Recording · Disk nearly full: 80.0\u00a0GB left · free some space"]);
  await b.restart();
  b.incidents.change(id, { severity: "critical", value: 2e10, worst: 2e10 }, "worse");
  await b.passUntil(countOf(b, 2), "that it is worse");
  b.leap(600);
  b.incidents.close(id);
  await b.passUntil(countOf(b, 3), "the end");
  const over = expect.stringMatching(
    /^✅ Over after .* · Disk nearly full: 20.0\u00a0GB left at worst · no records lost$/,
  );
  for (const name of ["slack", "gotify", "apprise"])
    expect(heads(b, name)).toEqual([expect.stringMatching(/^🟠/), expect.stringMatching(/^🔴 Worse · /), over]);
  for (const name of ["ntfy", "discord"]) {
    expect(heads(b, name)[0]).toEqual(over);
    expect(b.services.seen(name)[0]?.edits).toBeGreaterThan(0);
  }
  expect(b.services.refusals).toEqual([]);
  await b.stop();
});

test("an outage of an hour with 30 incidents on all channels: few calls, bounded queues, and one summary each", async () => {
  const b = bench();
  b.services.be("down");
  for (let n = 0; n < 30; n++) {
    const { id } = b.incidents.raise({ rule: "stale", subjects: [`SYM${n}USDT`] });
    const before = b.lines.length;
    if (n === 0)
      await b.passUntil(() => b.lines.filter((line) => line.startsWith("cannot reach")).length === 5, "failures");
    expect(b.lines.length - before).toBeLessThanOrEqual(5);
    b.leap(120);
    b.incidents.close(id);
  }
  expect(b.services.calls()).toBeLessThan(5 * 40);
  b.services.be("up");
  b.leap(400);
  await b.passUntil(countOf(b, 1), "the summaries");
  b.leap(60);
  await b.passUntil(() => b.lines.filter((line) => line.includes("can be reached again")).length === 5, "the log");
  for (const name of names) {
    expect(b.services.seen(name)).toHaveLength(1);
    expect(heads(b, name)[0]).toMatch(
      new RegExp(`${name} 127\\.0\\.0\\.1:\\d+ was unreachable for .* · 30 incidents meanwhile`),
    );
  }
  expect(b.services.refusals).toEqual([]);
  await b.stop();
});

test("secrets of channels are in no log line, no finding and no error, whatever the service answers", async () => {
  const b = bench();
  b.services.be("down");
  const { id } = b.incidents.raise({ rule: "cpu" });
  await b.passUntil(() => b.lines.filter((line) => line.startsWith("cannot reach")).length === 5, "failures");
  const down = await tryChannels(b.config, 2000);
  b.services.be("up");
  const up = await tryChannels(b.config, 2000);
  expect(up.map(({ state, detail }) => `${state} ${detail.replace(/:\d+/, "")}`)).toEqual([
    "ok ntfy 127.0.0.1 took the test message, and can change it later",
    "ok discord 127.0.0.1 took the test message, and can change it later",
    "ok slack 127.0.0.1 took the test message",
    "ok gotify 127.0.0.1 took the test message",
    "ok apprise 127.0.0.1 took the test message",
  ]);
  expect(down.map(({ state }) => state)).toEqual(["failed", "failed", "failed", "failed", "failed"]);
  b.incidents.close(id);
  const wrong = {
    ...b.config,
    alerts: { ...b.config.alerts, channel: [{ url: b.services.urls.gotify.replace("As3cr3t", "Bs3cr3t") }] },
  };
  const [refused] = await tryChannels(wrong, 2000);
  expect(refused).toMatchObject({ state: "failed", advice: expect.stringContaining("[[alerts.channel]]") });
  const text = JSON.stringify([
    b.lines,
    down,
    up,
    refused,
    channelKind.parse([{ url: "ntfy://tk_s3cr3tNtfyToken@x" }]),
  ]);
  for (const secret of [...secrets, "Bs3cr3tGotify"]) expect(text).not.toContain(secret);
  for (const secret of secrets) expect(secretsOf(b.config)).toContain(secret);
  await b.stop();
});

test("addresses of channels are read from tables, JSON and text; others are refused with the channel's number", () => {
  expect(parseChannel("ntfy://mina:pass%2Fword@ntfy.example:8443/base/alerts")).toEqual({
    ...{ service: "ntfy", root: "https://ntfy.example:8443/base", last: "alerts", user: "mina", password: "pass/word" },
  });
  for (const wrong of [
    "ntfy://host",
    "discord://discord.com/hooks/1/x",
    "https://x/y",
    "slack://u@h/x",
    "ntfy://h/t?x=1",
    "x",
  ])
    expect([wrong, parseChannel(wrong)]).toEqual([wrong, null]);
  const tables = [
    { url: "ntfy://ntfy.sh/a" },
    { url: "gotify://h/t", quiet_hours: "off", language: "ko", min_severity: "critical" },
  ];
  const parsed = channelKind.parse(tables);
  if (!parsed.ok) throw new Error(parsed.accepted);
  expect(channelKind.parse(channelKind.print(parsed.value))).toEqual(parsed);
  expect(channelKind.parse("ntfy://ntfy.sh/a slack://h/b")).toEqual({
    ok: true,
    value: [{ url: "ntfy://ntfy.sh/a" }, { url: "slack://h/b" }],
  });
  for (const wrong of [
    [{}],
    [{ url: "x" }],
    [{ url: "ntfy://h/t", colour: 1 }],
    [{ url: "ntfy://h/t", language: "de" }],
    [7],
    "[",
    3,
  ])
    expect(channelKind.parse(wrong).ok).toBe(false);
});
