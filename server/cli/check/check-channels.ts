import type { Config } from "../../config/config.ts";
import { parseChannel } from "../../domain/incidents/channel-target.ts";
import { type ChannelOutcome, createChannel } from "../../notify/channels/channel.ts";
import { version } from "../../platform/process/version.ts";
import { type CheckFinding, failed, ok, skipped } from "./finding.ts";

const texts = {
  en: {
    title: "RT-Data can write here",
    text: "A test message of rt-data check --channels on {host}. Alerts will come here.",
  },
  ko: { title: "RT-Data 알림이 여기로 옵니다", text: "{host}에서 rt-data check --channels 로 보낸 시험 메시지입니다." },
};

/** Sends a test message to each channel at the same time, and reports the answers. */
export async function tryChannels(config: Config, timeoutMs: number): Promise<readonly CheckFinding[]> {
  const { alerts, telegram, http, host } = config;
  if (alerts.channel.length === 0) return [skipped("alerts.channel", "not set up ([[alerts.channel]])")];
  return Promise.all(
    alerts.channel.map(async ({ url, language = telegram.language }, n): Promise<CheckFinding> => {
      const target = parseChannel(url);
      if (target === null) return failed("alerts.channel", `channel ${n + 1} has no valid url`, "correct it");
      const channel = createChannel(target, { version, timeoutMs });
      const { title, text } = texts[language];
      const outcome = await channel.send({
        ...{ title, text: text.replace("{host}", host), level: "ok", isSilent: false },
        page: http.public_url === "" ? null : http.public_url,
      });
      return findingOf(channel.name, target.service, outcome);
    }),
  );
}

function findingOf(name: string, service: string, outcome: ChannelOutcome): CheckFinding {
  if (outcome.kind === "done") {
    const isEditable = outcome.id !== null;
    const hint = service === "ntfy" && !isEditable ? " (from ntfy 2.16 on, one incident is one message)" : "";
    return ok("alerts.channel", `${name} took the test message${isEditable ? ", and can change it later" : ""}${hint}`);
  }
  if (outcome.kind === "wait")
    return failed("alerts.channel", `${name} asks for a pause of ${outcome.seconds} s`, "try again later");
  if (outcome.kind === "refused") return failed("alerts.channel", outcome.problem, outcome.advice);
  const problem = "problem" in outcome ? outcome.problem : "the message is gone";
  const advice = "check host and port in the channel's url, and the network; ?tls=off for a server without TLS";
  return failed("alerts.channel", problem.startsWith(name) ? problem : `${name}: ${problem}`, advice);
}
