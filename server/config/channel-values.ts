import { parseChannel } from "../domain/incidents/channel-target.ts";
import type { IncidentSeverity } from "../domain/incidents/incident-rules.ts";
import type { QuietHours } from "../domain/incidents/quiet-hours.ts";
import { hours } from "./time-values.ts";
import { accept, kindOf, type Parsed, refuse, type ValueKind } from "./value-kind.ts";

/** A table `[[alerts.channel]]`. Absent keys are as in `[telegram]`. */
export type ChannelSetting = {
  readonly url: string;
  readonly language?: "en" | "ko";
  readonly min_severity?: IncidentSeverity;
  /** Null: "off". */
  readonly quiet_hours?: QuietHours | null;
};

/** Most channels. Each has a queue and a connection of its own. */
const mostChannels = 20;

const services =
  "ntfy://ntfy.sh/topic, discord://discord.com/api/webhooks/…, slack://hooks.slack.com/services/…, gotify://host/token or apprise://host/key";

/** The channels: tables in the file; in the environment the same as JSON, or addresses with spaces between them. */
export const channels: ValueKind<readonly ChannelSetting[]> = kindOf(
  (raw) => {
    const tables = typeof raw === "string" ? fromText(raw.trim()) : raw;
    if (!Array.isArray(tables) || tables.length > mostChannels)
      return refuse(`up to ${mostChannels} tables [[alerts.channel]], each with url = "…"`);
    const parsed: ChannelSetting[] = [];
    for (const [n, table] of tables.entries()) {
      const channel = readTable(table, n + 1);
      if (!channel.ok) return channel;
      parsed.push(channel.value);
    }
    return accept(parsed);
  },
  (settings) => (settings.length === 0 ? "" : JSON.stringify(settings.map(printed))),
);

function fromText(text: string): unknown {
  if (text === "") return [];
  if (!text.startsWith("[")) return text.split(/\s+/).map((url) => ({ url }));
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readTable(table: unknown, n: number): Parsed<ChannelSetting> {
  const where = `[[alerts.channel]] number ${n}:`;
  if (typeof table !== "object" || table === null || Array.isArray(table)) return refuse(`${where} a table with url`);
  const { url, language, min_severity, quiet_hours, ...others } = table as Readonly<Record<string, unknown>>;
  const [unknownKey] = Object.keys(others);
  if (unknownKey !== undefined)
    return refuse(`${where} only url, language, min_severity and quiet_hours (not ${unknownKey.slice(0, 40)})`);
  if (typeof url !== "string" || parseChannel(url.trim()) === null) return refuse(`${where} url such as ${services}`);
  if (language !== undefined && language !== "en" && language !== "ko") return refuse(`${where} language "en" or "ko"`);
  const least = severities.find((severity) => severity === min_severity);
  if (min_severity !== undefined && least === undefined)
    return refuse(`${where} min_severity "info", "warning" or "critical"`);
  const quiet = quiet_hours === undefined || quiet_hours === "off" ? null : hours.parse(quiet_hours);
  if (quiet?.ok === false) return refuse(`${where} quiet_hours "off", or ${quiet.accepted}`);
  return accept({
    url: url.trim(),
    ...(language === undefined ? {} : { language }),
    ...(least === undefined ? {} : { min_severity: least }),
    ...(quiet_hours === undefined ? {} : { quiet_hours: quiet === null ? null : quiet.value }),
  });
}

const severities = ["info", "warning", "critical"] as const;

function printed({ quiet_hours, ...rest }: ChannelSetting) {
  if (quiet_hours === undefined) return rest;
  return { ...rest, quiet_hours: quiet_hours === null ? "off" : hours.print(quiet_hours) };
}
