import { messageOf } from "../../platform/errors.ts";
import { createDeadline } from "../../platform/time/deadline.ts";
import { type BotApi, createBotApi } from "../../telegram/api/bot-api.ts";
import { problemText } from "../../telegram/api/call-problem.ts";
import { isOvertaken } from "../../upload/day/upload-file.ts";
import { createObjectStore } from "../../upload/store/object-store.ts";
import { textBody } from "../../upload/store/signed-request.ts";
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
  const body = textBody(text);
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
  const api = createBotApi({ token: telegram.token, apiRoot: telegram.api_root, timeoutMs: patience.ms });
  const me = await api.me(patience.signal);
  if (me.kind === "refused") return [reached, failed("telegram.token", me.problem, me.advice)];
  if (me.kind !== "done") return [reached, failed("telegram.token", problemText(me), "try again in a minute")];
  const name = me.value;
  const findings = [reached, ok("telegram.token", `the bot is @${name}`)];
  if (telegram.chats.length === 0) {
    const advice = `write to t.me/${name}, then: rt-data check --telegram, which prints the id for telegram.chats`;
    return [...findings, failed("telegram.chats", "no notifications are sent: telegram.chats is empty", advice)];
  }
  return [...findings, ...(await Promise.all(telegram.chats.map((chat) => checkChat(api, chat, name))))];
};

async function checkChat(api: BotApi, chat: number, bot: string): Promise<CheckFinding> {
  const title = await api.titleOf(chat);
  if (title.kind === "done")
    return ok("telegram.chats", `${chat}${title.value === "" ? "" : ` (${title.value})`} is reachable for the bot`);
  const advice =
    title.kind === "refused" || title.kind === "unacceptable"
      ? `open t.me/${bot} there and press Start (in a group: add the bot); rt-data check --telegram prints the id`
      : "try again in a minute";
  return failed("telegram.chats", `${chat}: ${problemText(title)}`, advice);
}
