import { afterEach, expect, test } from "bun:test";
import type { IncidentChange } from "../../../server/domain/incidents/incident.ts";
import { createWebhook, problemOf, type Webhook, webhookHost } from "../../../server/notify/webhook.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { Late } from "../../../server/platform/time/deadline.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";
import { until } from "../../support/wait.ts";
import { type Receiver, secretPath, startReceiver } from "./receiver.ts";

const lines: string[] = [];
const log = createLog({ level: "debug", format: "text", color: false }, (line) => lines.push(line));
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  lines.length = 0;
});

function begin(receiver: Receiver) {
  let us = 1_700_000_000_000_000;
  const nowUs = () => us;
  const incidents = createScriptedIncidents(nowUs);
  const webhook = createWebhook(
    { url: receiver.url, host: "home-server", version: "1.2.3", publicUrl: "https://data.example.org", timeoutMs: 200 },
    { nowUs, log },
  );
  incidents.onChange(webhook.enqueue);
  ends.push(webhook.stop, receiver.stop);
  const pass = async (seconds: number) => {
    us += seconds * 1e6;
    webhook.tick();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { incidents, webhook, pass };
}

const settled = (webhook: Webhook) => until(() => webhook.status().waiting === 0, "the webhook to deliver everything");

test("each event of an incident is posted in order as JSON, with an id that reveals repetitions", async () => {
  const receiver = startReceiver();
  const { incidents, webhook } = begin(receiver);
  const { id } = incidents.raise({ rule: "disconnected", severity: "critical" });
  incidents.change(id, { value: 5 });
  incidents.change(id, { value: 9 }, "worse");
  incidents.acknowledge(id, "Kim");
  incidents.close(id);
  await settled(webhook);
  const bodies = receiver.requests.map(({ body }) => JSON.parse(body));
  expect(bodies.map(({ event }) => event)).toEqual([
    "opened",
    "worse",
    "acknowledged",
    "closed",
  ] satisfies IncidentChange[]);
  expect(bodies[0]).toEqual({
    event: "opened",
    incident: expect.objectContaining({ id, rule: "disconnected", severity: "critical", to_us: null }),
    host: "home-server",
    version: "1.2.3",
    url: "https://data.example.org",
  });
  const deliveries = receiver.requests.map(({ headers }) => headers.get("x-rt-data-delivery"));
  expect(new Set(deliveries).size).toBe(4);
  expect(receiver.requests[0]).toMatchObject({ method: "POST" });
  expect(receiver.requests[0]?.headers.get("content-type")).toBe("application/json");
});

test("a receiver that fails, hangs or redirects is retried with growing pauses, without loss or unrecognizable duplicates", async () => {
  const receiver = startReceiver();
  const { incidents, webhook, pass } = begin(receiver);
  receiver.answer(503);
  incidents.raise({ rule: "cpu" });
  await until(() => webhook.status().problem !== null, "the first try to fail");
  for (const [answer, seconds] of [
    ["hang", 1],
    [302, 4],
    [429, 16],
  ] as const) {
    const before = receiver.requests.length;
    receiver.answer(answer);
    await pass(seconds - 0.5);
    expect(receiver.requests).toHaveLength(before);
    await pass(0.5);
    await until(() => receiver.requests.length === before + 1, `a try after ${seconds} s`);
    const settledProblem = answer === "hang" ? "no answer in time" : String(answer);
    await until(() => webhook.status().problem?.includes(settledProblem) === true, `the problem with ${answer}`);
  }
  receiver.answer(204);
  await pass(64);
  await settled(webhook);
  expect(new Set(receiver.requests.map(({ headers }) => headers.get("x-rt-data-delivery"))).size).toBe(1);
  expect(webhook.status()).toMatchObject({ delivered: 1, dropped: 0, problem: null });
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toContain("s3cr3t");
});

test("a delivery that the receiver refuses is given up at once, and the others continue", async () => {
  const receiver = startReceiver();
  const { incidents, webhook } = begin(receiver);
  receiver.answer(410);
  const { id } = incidents.raise({ rule: "cpu" });
  await settled(webhook);
  receiver.answer(200);
  incidents.close(id);
  await settled(webhook);
  expect(webhook.status()).toMatchObject({ delivered: 1, dropped: 1 });
});

test("the latest 500 waiting deliveries are kept, and the secret part of the URL is never shown", async () => {
  const receiver = startReceiver();
  const { incidents, webhook, pass } = begin(receiver);
  await receiver.stop();
  for (let n = 0; n < 600; n++) incidents.raise({ rule: "cpu" });
  await until(() => webhook.status().problem !== null, "the try to fail");
  await pass(1);
  expect(webhook.status()).toMatchObject({ waiting: 500, dropped: 100, delivered: 0 });
  expect(webhook.status().host).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(JSON.stringify(webhook.status()) + lines.join("")).not.toContain("s3cr3t");
});

test("an error message never contains the URL or its parts", () => {
  const url = `https://someone:pass-w0rd@hooks.example.org${secretPath}`;
  const { pathname, search, href } = new URL(url);
  for (const part of [url, href, `${pathname}${search}`, search, "someone", "pass-w0rd"]) {
    const problem = problemOf(new Error(`cannot fetch ${part}: refused`), url);
    expect(problem).toStartWith("cannot fetch …");
    expect(problem).not.toMatch(/s3cr3t|pass-w0rd/);
  }
  expect(problemOf(new Late("no complete answer within 10 s"), url)).toBe("no answer in time");
  expect(webhookHost(url)).toBe("hooks.example.org");
});

test("waiting deliveries survive a restart: the next run delivers it once, in order, with the same ids", async () => {
  const receiver = startReceiver();
  receiver.answer(503);
  const values = new Map<string, string>();
  const store = () => ({
    readValue: (name: string) => values.get(name) ?? null,
    saveValue: (name: string, value: string) => void values.set(name, value),
  });
  const options = { url: receiver.url, host: "h", version: "1.2.3", publicUrl: null, timeoutMs: 2000 };
  const nowUs = () => 1_700_000_000_000_000;
  const incidents = createScriptedIncidents(nowUs);
  const first = createWebhook(options, { nowUs, store, log });
  incidents.onChange(first.enqueue);
  const { id } = incidents.raise({ rule: "cpu" });
  incidents.close(id);
  await until(() => receiver.requests.length === 1, "a refused request");
  await first.stop();
  receiver.answer(200);
  const second = createWebhook(options, { nowUs, store, log });
  second.start();
  await settled(second);
  const events = receiver.requests.slice(1).map(({ body }) => JSON.parse(body).event);
  expect(events).toEqual(["opened", "closed"]);
  const [refused, again] = receiver.requests.map(({ headers }) => headers.get("x-rt-data-delivery"));
  expect(again).toBe(refused ?? "");
  const third = createWebhook(options, { nowUs, store, log });
  third.start();
  expect(third.status().waiting).toBe(0);
  await Promise.all([second.stop(), third.stop(), receiver.stop()]);
});
