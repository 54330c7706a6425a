import { shardName } from "../domain/shard.ts";
import { type Config, secretKeys } from "./config.ts";

/** Config texts for settings whose value is null. */
const wordsForNull: Readonly<Record<string, string>> = { "feed.stale_ms": "adaptive", "telegram.digest_time": "off" };

/** Formats every non-secret setting as for the environment: `["RT_DATA_RECORD_SYMBOLS", "BTCUSDT,ETHUSDT"]`. */
export function environmentOf(config: Config): readonly (readonly [variable: string, text: string])[] {
  const { host: _, file: __, ...sections } = config;
  return settingsIn("", sections)
    .filter(([key]) => !secretKeys.includes(key))
    .map(([key, value]) => [`RT_DATA_${key.replaceAll(".", "_")}`.toUpperCase(), textOf(key, value)] as const);
}

/** Settings whose value is an object, so that they are not mistaken for tables. */
const objectSettings: readonly string[] = ["record.shard"];

function settingsIn(prefix: string, table: object): readonly (readonly [key: string, value: unknown])[] {
  return Object.entries(table).flatMap(([name, value]: [string, unknown]) => {
    const key = `${prefix}${name}`;
    const isTable =
      typeof value === "object" && value !== null && !Array.isArray(value) && !objectSettings.includes(key);
    return isTable ? settingsIn(`${key}.`, value) : [[key, value] as const];
  });
}

function textOf(key: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => textOf(key, item)).join(",");
  if (value === null) return wordsForNull[key] ?? "";
  if (key === "telegram.digest_time") return timeOfDay(Number(value));
  if (key === "record.shard") return shardName(value as Config["record"]["shard"]);
  return typeof value === "object" && "name" in value ? String(value.name) : String(value);
}

function timeOfDay(minutes: number): string {
  const twoDigits = (value: number) => String(value).padStart(2, "0");
  return `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}
