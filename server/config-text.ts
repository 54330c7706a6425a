import { type Config, secretKeys } from "./config.ts";
import { shardName } from "./shard.ts";

/** The words that stand for null. */
const wordsForNull: Readonly<Record<string, string>> = { "feed.stale_ms": "adaptive", "telegram.digest_time": "off" };

/** Every setting that is no secret, as the environment gives it: `["RT_DATA_RECORD_SYMBOLS", "BTCUSDT,ETHUSDT"]`. */
export function environmentOf(config: Config): readonly (readonly [variable: string, text: string])[] {
  const { host: _, file: __, ...sections } = config;
  return Object.entries<Readonly<Record<string, unknown>>>(sections).flatMap(([section, settings]) =>
    Object.entries(settings)
      .filter(([name]) => !secretKeys.includes(`${section}.${name}`))
      .map(
        ([name, value]) => [`RT_DATA_${section}_${name}`.toUpperCase(), textOf(`${section}.${name}`, value)] as const,
      ),
  );
}

function textOf(key: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => textOf(key, item)).join(",");
  if (value === null) return wordsForNull[key] ?? "";
  if (key === "telegram.digest_time") return timeOfDay(Number(value));
  if (key === "record.shard") return shardName(value as Config["record"]["shard"]);
  return typeof value === "object" && "name" in value ? String(value.name) : String(value);
}

function timeOfDay(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
