import { parseStreamType } from "../domain/stream.ts";
import { logLevels } from "../platform/log/log-format.ts";
import { alertKeys } from "./alert-keys.ts";
import { bucketName, keyPrefix } from "./bucket-values.ts";
import { channels } from "./channel-values.ts";
import { key, secret } from "./sources.ts";
import { clockTime, hours, timeZone } from "./time-values.ts";
import {
  addressRanges,
  basePath,
  chats,
  flag,
  host,
  integer,
  number,
  oneOf,
  optionalText,
  optionalUrl,
  orWord,
  passwordHash,
  restUrl,
  shard,
  streamTypes,
  streamUrl,
  streamUrls,
  symbols,
  text,
  url,
  userHeader,
  wholeUrl,
} from "./values.ts";

/** Each key of the config with its kind and default. ops/rt-data.example.toml documents sections and keys. */
export const schema = {
  record: {
    symbols: key(symbols, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    streams: key(
      streamTypes,
      ["depth20@100ms", "aggTrade"].map((name) => parseStreamType(name)).filter((t) => t !== null),
    ),
    data_dir: key(text, "./data"),
    segment_minutes: key(integer(1, 1440), 5),
    flush_records: key(integer(1, 100_000), 100),
    flush_ms: key(integer(1, 60_000), 1000),
    sync: key(oneOf(["seal", "flush", "never"]), "seal"),
    shard: key(shard, { index: 1, of: 1 }),
  },
  exchange: {
    ws_url: key(streamUrl, "wss://stream.binance.com:9443"),
    ws_urls: key(streamUrls, []),
    rest_url: key(restUrl, "https://api.binance.com"),
    time_unit: key(oneOf(["ms", "us"]), "ms"),
  },
  feed: {
    connections: key(integer(1, 4), 1),
    rollover_hours: key(number(0.01, 23.5), 23),
    stale_ms: key(orWord("adaptive", integer(500, 600_000)), null),
  },
  latency: {
    threshold_ms: key(integer(1, 600_000), 1000),
    gate: key(oneOf(["mark", "drop"]), "mark"),
  },
  archive: {
    level: key(integer(1, 19), 19),
    retention_days: key(integer(0, 36_500), 0),
    retention_gb: key(integer(0, 10_000_000), 0),
    min_free_gb: key(integer(0, 10_000_000), 0),
  },
  upload: {
    endpoint: key(optionalUrl("https", "http"), ""),
    bucket: key(bucketName, ""),
    prefix: key(keyPrefix, ""),
    region: key(optionalText, ""),
    access_key: secret(),
    secret_key: secret(),
    bandwidth_mbps: key(integer(0, 100_000), 0),
    retention_days: key(integer(0, 36_500), 0),
    retention_shared: key(flag, false),
  },
  dataset: {
    enabled: key(flag, false),
    numbers: key(oneOf(["float64", "decimal"]), "float64"),
    upload: key(flag, true),
    retention_days: key(integer(0, 36_500), 0),
    keep_replaced_hours: key(integer(1, 87_600), 24),
  },
  official: {
    check: key(flag, false),
    after_hours: key(integer(1, 240), 12),
    days: key(integer(1, 36_500), 30),
    url: key(url("https", "http"), "https://data.binance.vision"),
    bandwidth_mbps: key(integer(0, 100_000), 0),
  },
  http: {
    host: key(host, "127.0.0.1"),
    port: key(integer(0, 65_535), 8000),
    base_path: key(basePath, "/"),
    public: key(flag, false),
    password_hash: secret(passwordHash),
    trusted_proxies: key(addressRanges, ["127.0.0.1", "::1"]),
    trusted_user_header: key(userHeader, ""),
    public_url: key(optionalUrl("https", "http"), ""),
  },
  telegram: {
    token: secret(),
    chats: key(chats, []),
    api_root: key(url("https", "http"), "https://api.telegram.org"),
    language: key(oneOf(["en", "ko"]), "en"),
    time_zone: key(orWord("machine", timeZone), null),
    digest_time: key(orWord("off", clockTime), 9 * 60),
    quiet_hours: key(orWord("off", hours), null),
    min_severity: key(oneOf(["info", "warning", "critical"]), "info"),
  },
  alerts: {
    webhook_url: secret(wholeUrl("https", "http")),
    heartbeat_url: secret(wholeUrl("https", "http")),
    heartbeat_seconds: key(integer(10, 86_400), 60),
    channel: { ...key(channels, []), isSecret: true },
    ...alertKeys,
  },
  log: {
    level: key(oneOf(logLevels), "info"),
    format: key(oneOf(["auto", "text", "json"]), "auto"),
  },
} as const;
