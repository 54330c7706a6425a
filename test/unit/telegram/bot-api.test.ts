import { afterAll, expect, test } from "bun:test";
import { createBotApi, type SendOutcome } from "../../../server/telegram/api/bot-api.ts";
import { scrub } from "../../../server/telegram/api/call-problem.ts";
import { token } from "../../support/telegram/evening.ts";
import { createFakeTelegram, refusal, type Scripted } from "../../support/telegram/fake-telegram.ts";
import { until } from "../../support/wait.ts";

const telegram = createFakeTelegram(token);
const apiRoot = telegram.start();
const sender = createBotApi({ token, apiRoot, timeoutMs: 300 });
afterAll(() => telegram.stop());

/** Sends to a Bot API that answers so. */
async function sendTo(answer: () => Scripted, html = "text"): Promise<SendOutcome> {
  telegram.script(answer);
  try {
    return await sender.send(42, { html });
  } finally {
    telegram.script(() => null);
  }
}

const cases: readonly [what: string, answer: () => Scripted, outcome: object][] = [
  ["429", () => refusal(429, "Too Many Requests", { retry_after: 17 }), { kind: "wait", seconds: 17 }],
  ["429 without saying how long", () => refusal(429, "Too Many Requests"), { kind: "wait", seconds: 5 }],
  ["403 blocked", () => refusal(403, "Forbidden: bot was blocked by the user"), { kind: "refused", concerns: "chat" }],
  [
    "403 kicked",
    () => refusal(403, "Forbidden: bot was kicked from the group chat"),
    { kind: "refused", concerns: "chat" },
  ],
  ["400 chat not found", () => refusal(400, "Bad Request: chat not found"), { kind: "refused", concerns: "chat" }],
  [
    "400 rights",
    () => refusal(400, "Bad Request: not enough rights to send text messages to the chat"),
    { kind: "refused", concerns: "chat" },
  ],
  ["401", () => refusal(401, "Unauthorized"), { kind: "refused", concerns: "bot" }],
  ["404", () => refusal(404, "Not Found"), { kind: "refused", concerns: "bot" }],
  [
    "migration",
    () => refusal(400, "Bad Request: group chat was upgraded", { migrate_to_chat_id: -100123 }),
    { kind: "moved", chat: -100123 },
  ],
  ["502", () => refusal(502, "Bad Gateway"), { kind: "unreachable" }],
  ["a page of HTML", () => new Response(`<html>502 ${token}</html>`, { status: 502 }), { kind: "unreachable" }],
  ["nothing", () => new Response("", { status: 200 }), { kind: "unreachable" }],
  ["null", () => new Response("null"), { kind: "unreachable" }],
  ["a redirection", () => Response.redirect("http://127.0.0.1:1/", 302), { kind: "unreachable" }],
  ["an answer without the message", () => Response.json({ ok: true, result: true }), { kind: "unreachable" }],
  ["no answer in time", () => "hang", { kind: "unreachable" }],
  ["400 of another kind", () => refusal(400, "Bad Request: BUTTON_DATA_INVALID"), { kind: "unacceptable" }],
];

for (const [what, answer, outcome] of cases) {
  test(`the Bot API answers ${what}: ${JSON.stringify(outcome)}, without the token`, async () => {
    const found = await sendTo(answer);
    expect(found).toMatchObject(outcome);
    expect(JSON.stringify(found)).not.toContain("fake_Token");
    if (found.kind === "refused") expect(found.advice).toMatch(/telegram\.|rt-data check|allow the bot/);
  });
}

test("a Bot API that is not there, by address and by name, is told without the token", async () => {
  for (const root of ["http://127.0.0.1:1", "http://no-such-host.invalid"]) {
    const found = await createBotApi({ token, apiRoot: root, timeoutMs: 2000 }).send(42, { html: "text" });
    expect(found.kind).toBe("unreachable");
    expect(JSON.stringify(found)).not.toContain("fake_Token");
  }
});

test("an end waits for no answer", async () => {
  const patient = createBotApi({ token, apiRoot, timeoutMs: 60_000 });
  telegram.script(() => "hang");
  const before = telegram.calls.length;
  const call = patient.send(42, { html: "text" });
  await until(() => telegram.calls.length > before, "the call to be under way");
  patient.abort();
  expect(await call).toMatchObject({ kind: "unreachable" });
  // Later calls do not begin.
  const begun = telegram.calls.length;
  expect(await patient.send(42, { html: "text" })).toMatchObject({ kind: "unreachable" });
  expect(telegram.calls).toHaveLength(begun);
  telegram.script(() => null);
});

test("markup that Telegram refuses is sent as plain text instead", async () => {
  expect(await sender.send(1, { html: "<b>1 &lt; 2 <i>and</b> so on" })).toMatchObject({ kind: "done" });
  expect(telegram.chat(1)[0]?.text).toBe("1 < 2 and so on");
});

test("a text beyond Telegram's limit is cut, never within a character", async () => {
  expect(await sender.send(2, { html: `<b>${"가".repeat(4095)}</b>😀😀` })).toMatchObject({ kind: "done" });
  expect(telegram.chat(2)[0]?.text).toBe(`${"가".repeat(4095)}…`);
  // Markup does not count.
  expect(await sender.send(2, { html: `<b>${"&amp;".repeat(4096)}</b>` })).toMatchObject({ kind: "done" });
  expect(telegram.chat(2)[1]?.text).toBe("&".repeat(4096));
});

test("a change without effect counts as done; a change of a deleted message says so", async () => {
  const sent = await sender.send(3, { html: "text", buttons: [[{ text: "a", data: "ack:1" }]], silent: true });
  const id = sent.kind === "done" ? sent.messageId : 0;
  expect(telegram.chat(3)[0]).toMatchObject({ silent: true, buttons: ["a=ack:1"] });
  expect(await sender.edit(3, id, { html: "text", buttons: [[{ text: "a", data: "ack:1" }]] })).toMatchObject({
    kind: "done",
  });
  expect(await sender.edit(3, id, { html: "other" })).toMatchObject({ kind: "done" });
  expect(telegram.chat(3)[0]).toMatchObject({ text: "other", buttons: [] });
  expect(await sender.remove(3, id)).toMatchObject({ kind: "done" });
  expect(await sender.edit(3, id, { html: "text" })).toEqual({ kind: "gone" });
  expect(await sender.remove(3, id)).toEqual({ kind: "gone" });
});

test("a picture arrives with its words", async () => {
  const picture = crypto.getRandomValues(new Uint8Array(50_000));
  expect(await sender.sendPhoto(4, picture, { html: "<b>yesterday</b>", silent: true })).toMatchObject({
    kind: "done",
  });
  expect(telegram.chat(4)[0]).toMatchObject({ text: "yesterday", silent: true });
  expect(telegram.chat(4)[0]?.picture).toEqual(picture);
});

test("the token is found wherever it stands, also its secret half", () => {
  const secret = token.split(":")[1];
  expect(scrub(`GET /bot${token}/x, ${encodeURIComponent(token)}, ${secret}`, token)).toBe(
    "GET /bot<token>/x, <token>, <token>",
  );
  expect(scrub("x".repeat(1000), token)).toHaveLength(200);
});
