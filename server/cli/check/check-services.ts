import type { Config } from "../../config/config.ts";
import { messageOf } from "../../platform/errors.ts";
import { boundedFetch } from "../../platform/fetch/bounded-fetch.ts";
import { createDeadline } from "../../platform/time/deadline.ts";
import { isOvertaken } from "../../upload/day/upload-file.ts";
import { createObjectStore } from "../../upload/store/object-store.ts";
import { type CheckFinding, failed, ok, type Probe, reach, skipped } from "./finding.ts";

/** Checks the bucket: lists, stores, reads and removes a small object. */
export const checkUpload: Probe = async ({ upload, host }, patience) => {
  if (upload.endpoint === "") return [skipped("upload.bucket", "not set up ([upload])")];
  const { endpoint, bucket, region } = upload;
  const reached = await reach("upload.reach", endpoint, "upload.endpoint", patience);
  if (reached.state === "failed") return [reached];
  const deadline = createDeadline({ what: "not done", ms: 3 * patience.ms, signal: patience.signal });
  const store = createObjectStore(
    { endpoint, bucket, region, accessKey: upload.access_key, secretKey: upload.secret_key },
    deadline.signal,
  );
  const key = [upload.prefix, `rt-data-check-${host}-${process.pid}.txt`].filter((part) => part !== "").join("/");
  const text = "A probe of rt-data check; it may be deleted.\n";
  const body = { bytes: Buffer.byteLength(text), open: () => text };
  let conditions = "";
  try {
    for await (const _ of store.list(key)) break;
    await store.put(key, body, null);
    try {
      if ((await store.readText(key))?.text !== text)
        throw new Error(`the object ${key} reads back with other content than was stored`);
      const isReplaced = await store.put(key, body, "absent").catch((error: unknown) => {
        if (isOvertaken(error)) return null;
        throw error;
      });
      if (isReplaced !== null)
        conditions =
          "; it ignores conditional writes (if two recorders write a day at once, the slower one repeats it)";
    } finally {
      await store.remove(key);
    }
  } catch (error) {
    return [
      reached,
      failed(
        "upload.bucket",
        messageOf(error),
        "correct [upload]; the key needs the rights to get, put, delete and list",
      ),
    ];
  } finally {
    deadline.clear();
  }
  return [reached, ok("upload.bucket", `${store.name}: list, store, read and delete work${conditions}`)];
};

/** Checks name and connection of webhook and heartbeat. Sends no request, as the receiver would treat it as a message. */
export const checkAlerts: Probe = async ({ alerts }, patience) => {
  const addresses = [
    ["alerts.heartbeat", "alerts.heartbeat_url", alerts.heartbeat_url],
    ["alerts.webhook", "alerts.webhook_url", alerts.webhook_url],
  ] as const;
  return Promise.all(
    addresses.map(async ([check, key, url]) =>
      url === "" ? skipped(check, `not set up (${key})`) : reach(check, url, key, patience),
    ),
  );
};

/** Checks the bot: its token, and each configured chat. */
export const checkTelegram: Probe = async ({ telegram }, patience) => {
  if (telegram.token === "") return [skipped("telegram.token", "not set up (telegram.token)")];
  const reached = await reach("telegram.reach", telegram.api_root, "telegram.api_root", patience);
  if (reached.state === "failed") return [reached];
  const me = await ask(telegram, "getMe", {}, patience.ms);
  if (!me.ok) {
    const isToken = me.code === 401 || me.code === 404;
    const advice = isToken ? "copy it again from @BotFather; /token there shows it" : "try again in a minute";
    return [reached, failed("telegram.token", isToken ? "Telegram does not know this token" : me.reason, advice)];
  }
  const name = textIn(me.result, "username");
  const findings = [reached, ok("telegram.token", `the bot is @${name}`)];
  if (telegram.chats.length === 0) {
    const advice = `write to t.me/${name}, then: rt-data check --telegram, which prints the id for telegram.chats`;
    return [...findings, failed("telegram.chats", "no notifications are sent: telegram.chats is empty", advice)];
  }
  return [
    ...findings,
    ...(await Promise.all(telegram.chats.map((chat) => checkChat(telegram, chat, name, patience.ms)))),
  ];
};

async function checkChat(telegram: Config["telegram"], chat: number, bot: string, ms: number): Promise<CheckFinding> {
  const answer = await ask(telegram, "getChat", { chat_id: chat }, ms);
  if (answer.ok) {
    const title =
      textIn(answer.result, "title") || textIn(answer.result, "username") || textIn(answer.result, "first_name");
    return ok("telegram.chats", `${chat}${title === "" ? "" : ` (${title})`} is reachable for the bot`);
  }
  const advice =
    answer.code === 400 || answer.code === 403
      ? `open t.me/${bot} there and press Start (in a group: add the bot); rt-data check --telegram prints the id`
      : "try again in a minute";
  return failed("telegram.chats", `${chat}: ${answer.reason}`, advice);
}

type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: number | null; readonly reason: string };

/** Calls a method of the Bot API. The URL contains the token, so messages of errors are not passed on. */
async function ask({ api_root, token }: Config["telegram"], method: string, body: object, ms: number): Promise<Answer> {
  try {
    const response = await boundedFetch(
      `${api_root}/bot${token}/${method}`,
      { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
      { timeoutMs: ms, maxBytes: 1024 * 1024 },
    );
    const answer: unknown = JSON.parse(response.text());
    if (typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === true && "result" in answer)
      return { ok: true, result: answer.result };
    const reason = textIn(answer, "description") || `HTTP ${response.status}`;
    return { ok: false, code: response.status, reason: reason.replaceAll(token, "…") };
  } catch {
    return { ok: false, code: null, reason: "no readable answer" };
  }
}

function textIn(value: unknown, key: string): string {
  const member = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof member === "string" ? member : "";
}
