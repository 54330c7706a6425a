import { expect, test } from "bun:test";
import { helloTelegram } from "../../../server/cli/check/check-telegram.ts";
import { run } from "../../support/run.ts";
import { type BotApi, startBotApi } from "../../support/telegram/bot-api.ts";
import { refusal } from "../../support/telegram/fake-telegram.ts";
import { until } from "../../support/wait.ts";

const token = "8123456789:AAFf_secretSECRETsecretSECRETsecret12";
const mina = 77_001;

/** Runs it, lets `then` happen while it listens, and stops it. */
async function hello(
  chats: readonly number[],
  then: (api: BotApi, printed: string[]) => Promise<void>,
  patienceMs?: number,
) {
  const api = await startBotApi(token, mina);
  const printed: string[] = [];
  const stop = new AbortController();
  const settings = { token, apiRoot: api.url, chats, ...(patienceMs && { patienceMs }) };
  const ended = helloTelegram(settings, { print: (line) => printed.push(...line.split("\n")), stop: stop.signal });
  await then(api, printed);
  if (patienceMs === undefined) stop.abort();
  const code = await ended;
  await api.stop();
  expect(printed.join("\n")).not.toContain("secret");
  return { code, printed, api };
}

const saw = (printed: string[], text: string) => until(() => printed.some((line) => line.includes(text)), text);

test("it checks the token, prints each chat that writes with its id, and greets each chat once", async () => {
  const { code, printed, api } = await hello([], async (api, printed) => {
    await saw(printed, "waiting for a message");
    await api.say("hi");
    await saw(printed, "telegram.chats = [77001]");
    await api.say("hi again");
    const from = { id: 5, first_name: "Jun" };
    api.put({
      message: {
        message_id: 4,
        date: 1,
        chat: { id: -100_777, type: "supergroup", title: "Ops & co" },
        from,
        text: "/start",
      },
    });
    await saw(printed, "telegram.chats = [77001, -100777]");
  });
  expect(code).toBe(0);
  expect(printed).toEqual([
    "ok      the token belongs to @TestNameBot",
    "waiting for a message to t.me/TestNameBot (in a group: add the bot, then send /start@TestNameBot); Ctrl-C ends the wait",
    "chat    77001  private  @mina",
    "ok      a test message was sent to 77001",
    "        to notify and answer this chat, set: telegram.chats = [77001]",
    "chat    -100777  group  Ops & co",
    "ok      a test message was sent to -100777",
    "        to notify and answer this chat, set: telegram.chats = [77001, -100777]",
  ]);
  expect(api.seen).toHaveLength(2);
  expect(api.seen[0]).toMatchObject({ text: expect.stringContaining("Its id is 77001") });
});

test("each configured chat gets a test message; an unreachable chat is named with advice, exit code 1", async () => {
  const { code, printed } = await hello([mina, -5], async (api, printed) => {
    let sent = 0;
    api.script((method) =>
      method === "sendMessage" && ++sent === 2 ? refusal(403, "Forbidden: bot was kicked from the group chat") : null,
    );
    await saw(printed, "waiting");
    await api.say("hi");
    await saw(printed, "already in telegram.chats");
  });
  expect(code).toBe(1);
  expect(printed[1]).toBe("ok      a test message was sent to 77001");
  expect(printed[2]).toMatch(/^failed +-5: .*kicked.*: add the bot to the group again/);
});

test("a recorder that polls with the same token, a webhook, a wrong token and no answer are each named, exit code 1", async () => {
  const conflict = (text: string) => (api: BotApi) =>
    Promise.resolve(api.script((method) => (method === "getUpdates" ? refusal(409, text) : null)));
  const first = await hello([mina], conflict("Conflict: terminated by other getUpdates request"), 5000);
  expect([first.code, first.printed.join("\n")]).toEqual([
    1,
    expect.stringContaining("another program polls with this token. If it is a recorder"),
  ]);
  const second = await hello([], conflict("Conflict: can't use getUpdates method while webhook is active"), 5000);
  expect([second.code, second.printed.at(-1)]).toEqual([1, expect.stringContaining("a webhook is set for this token")]);
  const third = await hello([], async (api) => api.script(() => refusal(401, "Unauthorized")), 5000);
  expect([third.code, third.printed]).toEqual([1, [expect.stringContaining("does not know the token (401)")]]);
  const fourth = await hello([], async (api) => api.script(() => new Response("<html>")), 5000);
  expect([fourth.code, fourth.printed]).toEqual([1, [expect.stringContaining("does not answer")]]);
});

test("if no chat writes, it ends by itself, with exit code 1 if telegram.chats is empty", async () => {
  const silent = await hello([], async () => {}, 60);
  expect([silent.code, silent.printed.at(-1)]).toEqual([1, "no message received"]);
  const listed = await hello([mina], async (_, printed) => saw(printed, "a test message was sent"), 300);
  expect(listed.code).toBe(0);
});

test("from the command line: without a token it says how to get one, exit code 2", async () => {
  const { code, output } = await run(["check", "--telegram"]);
  expect(code).toBe(2);
  expect(output).toContain("t.me/BotFather");
});
