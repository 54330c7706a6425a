import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, changedKeys, listenHost, loadConfig, loadDataDir } from "../../../server/config/config.ts";
import { schema } from "../../../server/config/schema.ts";
import { allKeys } from "../../../server/config/sources.ts";
import { parseGiven } from "../../../server/config/value-kind.ts";
import { temporaryFolder } from "../../support/folder.ts";

function file(content: string): string {
  const path = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(path, content);
  return path;
}

function load(content: string, environment: Record<string, string> = {}, overrides = {}): Config {
  const loaded = loadConfig(file(content), overrides, environment);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function problems(content: string, environment: Record<string, string> = {}): string[] {
  const loaded = loadConfig(file(content), {}, environment);
  return loaded.ok
    ? []
    : loaded.problems.map(({ where, problem }) => `${where.replace(/^.*rt-data\.toml: /, "")}: ${problem}`);
}

/** Quotes a text for TOML, with escapes for all characters that need them. */
function inToml(text: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(/["\\\p{Cc}\u2028]/gu, escaped)}"`;
}

test("no file at all is a valid config with the documented defaults", () => {
  const { record, exchange, feed, latency, http, telegram } = load("");
  expect(record.symbols).toEqual(["BTCUSDT", "ETHUSDT", "SOLUSDT"]);
  expect(record.streams.map(({ name }) => name)).toEqual(["depth20@100ms", "aggTrade"]);
  expect({ ...record, symbols: 0, streams: 0 }).toMatchObject({
    data_dir: "./data",
    flush_records: 100,
    flush_ms: 1000,
    sync: "seal",
  });
  expect(exchange).toEqual({
    ws_url: "wss://stream.binance.com:9443",
    ws_urls: [],
    rest_url: "https://api.binance.com",
    time_unit: "ms",
  });
  expect(feed).toEqual({ connections: 1, rollover_hours: 23, stale_ms: null });
  expect(latency).toEqual({ threshold_ms: 1000, gate: "mark" });
  expect(http).toEqual({
    ...{ host: "127.0.0.1", port: 8000, base_path: "/", public: false, password_hash: "" },
    ...{ trusted_proxies: ["127.0.0.1", "::1"], trusted_user_header: "", public_url: "" },
  });
  expect(telegram).toMatchObject({
    token: "",
    chats: [],
    language: "en",
    time_zone: null,
    digest_time: 540,
    quiet_hours: null,
  });
});

test("the command line wins over the environment, and the environment over the file", () => {
  const content = "[http]\nport = 1\n[record]\nflush_ms = 1\nflush_records = 1";
  const environment = {
    RT_DATA_HTTP_PORT: "2",
    RT_DATA_RECORD_FLUSH_MS: "2",
    RT_DATA_RECORD_SYMBOLS: "btcusdt, ethusdt",
  };
  const config = load(content, environment, { "http.port": "3" });
  expect([config.record.flush_records, config.record.flush_ms, config.http.port]).toEqual([1, 2, 3]);
  expect(config.record.symbols).toEqual(["BTCUSDT", "ETHUSDT"]);
});

test("all mistakes are reported together, each with key, value and the accepted values", () => {
  const found = problems('[record]\nflush_ms = "soon"\nsymbls = ["BTCUSDT"]\n[http]\nport = 99999\n[recrod]\n', {
    RT_DATA_LOG_LEVEL: "loud",
  });
  expect(found).toHaveLength(5);
  const all = found.join("\n");
  expect(all).toContain('record.flush_ms: "soon" is not accepted; give a whole number from 1 to 60000');
  expect(all).toContain('record.symbls: unknown key (did you mean "symbols"?)');
  expect(all).toContain("http.port: 99999 is not accepted; give a whole number from 0 to 65535");
  expect(all).toContain('[recrod]: unknown section (did you mean "record"?)');
  expect(all).toContain('RT_DATA_LOG_LEVEL: "loud" is not accepted; give "debug", "info", "warn", "error"');
});

test("an error in TOML names the line, a missing file its path", () => {
  expect(problems("[record]\nflush_ms = = 1").join()).toMatch(/line 2|2:|flush_ms = = 1/);
  const missing = loadConfig("/nowhere/rt-data.toml", {}, {});
  expect(missing).toEqual({
    ok: false,
    problems: [{ where: "/nowhere/rt-data.toml", problem: "the file does not exist" }],
  });
});

test("two speeds of one stream are refused, because they would share a folder", () => {
  expect(problems('[record]\nstreams = ["depth20", "depth20@100ms"]').join()).toContain("one speed of each stream");
});

test("a symbol that could lead out of the data folder is refused", () => {
  for (const symbol of ["../x", "a/b", ".", "", "a b", "a=b"]) {
    expect(problems(`[record]\nsymbols = [${JSON.stringify(symbol)}]`)).toHaveLength(1);
  }
  expect(load('[record]\nsymbols = ["币安人生usdt"]').record.symbols).toEqual(["币安人生USDT"]);
});

test("an upload needs all its settings, and secrets may come from files, whose final newline is dropped", () => {
  const half = problems('[upload]\nendpoint = "https://s3.example.com"\nsecret_key = "hush"\n');
  expect(half).toHaveLength(2);
  expect(half.join("\n")).toMatch(/upload\.bucket: is missing.*\n.*upload\.access_key: is missing/);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "key"), "from-a-file\n");
  const environment = {
    RT_DATA_UPLOAD_ENDPOINT: "https://s3.example.com/",
    RT_DATA_UPLOAD_BUCKET: "b",
    RT_DATA_UPLOAD_ACCESS_KEY: "a",
    RT_DATA_UPLOAD_SECRET_KEY_FILE: join(folder, "key"),
  };
  expect(load("", environment).upload).toMatchObject({ endpoint: "https://s3.example.com", secret_key: "from-a-file" });
  const missing = problems("", { ...environment, RT_DATA_UPLOAD_SECRET_KEY_FILE: join(folder, "gone") });
  expect(missing.join()).toMatch(/RT_DATA_UPLOAD_SECRET_KEY_FILE: .*gone: the file does not exist/);
});

test("a control character in a value is refused for every key, source and character; surrounding white space is dropped", () => {
  const texts = ["record.data_dir", "exchange.rest_url", "exchange.ws_url", "upload.bucket", "upload.prefix"];
  const more = ["http.public_url", "telegram.api_root", "telegram.token", "alerts.webhook_url", "http.host"];
  for (const key of [...texts, ...more]) {
    const [section = "", name = ""] = key.split(".");
    const variable = `RT_DATA_${section}_${name}`.toUpperCase();
    for (const control of ["\n", "\r", "\0", "\t", "\u001b", "\u007f", "\u0085", "\u2028"]) {
      const value = `https://a.example/x${control}RT_DATA_HTTP_PUBLIC=true`;
      const expected = /is not accepted; give a value on one line, without control characters$/;
      expect(problems(`[${section}]\n${name} = ${inToml(value)}\n`)).toEqual([expect.stringMatching(expected)]);
      expect(problems("", { [variable]: value })).toEqual([expect.stringMatching(expected)]);
      const given = loadConfig(null, { [key]: value }, {});
      expect(given.ok ? [] : given.problems).toEqual([
        { where: expect.any(String), problem: expect.stringMatching(expected) },
      ]);
    }
  }
  for (const [section, name] of [
    ["record", "symbols"],
    ["exchange", "ws_urls"],
    ["http", "trusted_proxies"],
  ])
    expect(problems(`[${section}]\n${name} = ["wss://a.example", "b\\nc"]\n`)).toEqual([
      expect.stringContaining("on one line"),
    ]);
  expect(loadDataDir(file('[record]\ndata_dir = "a\\nb"\n'), {})).toMatchObject({ ok: false });
  expect(load('[record]\ndata_dir = " a b "\n').record.data_dir).toBe("a b");
  expect(load("", { RT_DATA_EXCHANGE_REST_URL: "https://a.example/\n" }).exchange.rest_url).toBe("https://a.example");
  for (const [given, read] of [
    ["wss://stream.testnet.binance.vision/ws", "wss://stream.testnet.binance.vision"],
    ["wss://stream.testnet.binance.vision:9443/stream/", "wss://stream.testnet.binance.vision:9443"],
    ["wss://demo-stream.binance.com:9443/ws", "wss://demo-stream.binance.com:9443"],
    ["wss://gateway.example/binance/ws", "wss://gateway.example/binance"],
    ["wss://gateway.example/news", "wss://gateway.example/news"],
  ] as const) {
    expect(load("", { RT_DATA_EXCHANGE_WS_URL: given }).exchange.ws_url).toBe(read);
    expect(load("", { RT_DATA_EXCHANGE_WS_URLS: given }).exchange.ws_urls).toEqual([read]);
  }
  for (const given of ["https://testnet.binance.vision/api", "https://testnet.binance.vision/api/v3/"])
    expect(load("", { RT_DATA_EXCHANGE_REST_URL: given }).exchange.rest_url).toBe("https://testnet.binance.vision");
  expect(problems('[exchange]\nws_urls = ["wss://a.example/x,y"]\n')).toHaveLength(1);
});

test("errors never contain a secret, however wrong it is", () => {
  const found = problems("[upload]\nsecret_key = 12345678901\n");
  expect(found.join()).toContain("upload.secret_key: this is not accepted");
  expect(found.join()).not.toContain("12345678901");
});

test("every setting is read again from the text that its kind prints", () => {
  const values: Readonly<Record<string, unknown>> = {
    "record.shard": { index: 2, of: 5 },
    "record.symbols": ["BTCUSDT", "币安人生USDT"],
    "exchange.ws_urls": ["wss://a:1", "wss://b"],
    "feed.stale_ms": 700,
    "feed.rollover_hours": 0.25,
    "http.trusted_proxies": [],
    "telegram.chats": [1, -2],
    "telegram.digest_time": 7 * 60 + 5,
    "telegram.time_zone": "Asia/Seoul",
    "telegram.quiet_hours": { fromMinutes: 1380, toMinutes: 420 },
  };
  for (const [name, { kind, fallback }] of allKeys(schema)) {
    for (const value of [fallback, values[name] ?? fallback])
      expect([name, parseGiven(kind, kind.print(value))]).toEqual([name, { ok: true, value }]);
  }
});

test("parts that receive the config cannot change it", () => {
  const config = load("");
  expect(() => Object.assign(config.http, { port: 1 })).toThrow();
});

test("the documented example is valid, names every key, and shows the defaults", () => {
  const path = join(import.meta.dir, "../../../ops/rt-data.example.toml");
  const example = loadConfig(path, {}, {});
  const defaults = load("");
  if (!example.ok) throw new Error(JSON.stringify(example.problems));
  expect({ ...example.config, file: null }).toEqual({ ...defaults, file: null });
  const written = readFileSync(path, "utf8");
  const check = (name: string, keys: object) => {
    const section = new RegExp(`^\\[${name.replace(".", "\\.")}\\]\n((?!\\[).*\n)*`, "m").exec(written)?.[0] ?? "";
    expect(section).toStartWith(`[${name}]`);
    for (const [key, value] of Object.entries(keys)) {
      if (isTable(value)) check(`${name}.${key}`, value);
      else expect([name, section]).toEqual([name, expect.stringMatching(new RegExp(`^${key} = `, "m"))]);
    }
  };
  for (const [name, keys] of Object.entries(defaults)) if (isTable(keys)) check(name, keys);
});

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !("index" in value);
}

test("each alert has its own table, in file and environment, and its mistakes are reported like others", () => {
  const content = "[alerts]\nheartbeat_seconds = 30\n[alerts.delay]\nwarning_ms = 500\nenabled = false\n";
  const { alerts } = load(content, { RT_DATA_ALERTS_DELAY_HOLD_S: "5", RT_DATA_ALERTS_PUBLIC_URL_EVERY_S: "90" });
  expect(alerts.delay).toMatchObject({ enabled: false, hold_s: 5, warning_ms: 500, critical_ms: 10_000 });
  expect([alerts.heartbeat_seconds, alerts.public_url.every_s]).toEqual([30, 90]);
  const found = problems("[alerts]\ncpu = 3\n[alerts.dely]\n[alerts.delay]\nwarning = 3\nhold_s = -1\n").join("\n");
  expect(found).toContain("alerts.cpu: must be a section: write [alerts.cpu] on its own line");
  expect(found).toContain('alerts.dely: unknown key (did you mean "delay"?); keys of [alerts]: webhook_url');
  expect(found).toMatch(
    /alerts\.delay\.warning: unknown key.*; keys of \[alerts\.delay\]: enabled, hold_s, clear_s, warning_ms/,
  );
  expect(found).toContain("alerts.delay.hold_s: -1 is not accepted; give a whole number from 0 to 86400");
});

test("the differences between two configs are named down to the key in a table", () => {
  const [a, b] = [load("[alerts.delay]\nhold_s = 5\n[http]\nport = 1"), load("[http]\nport = 2")];
  expect(changedKeys(a, b)).toEqual(["http.port", "alerts.delay.hold_s"]);
  expect(Object.isFrozen(a.alerts.delay)).toBe(true);
});

test("an address that others can reach needs a password or http.public; a loopback address needs neither", () => {
  const hash = "$argon2id$v=19$m=19456,t=3,p=1$xYJ6vFgz1/Dpw0ulev+iuQ$li77Hsr625HOp3bM3fnM6auHFP5Msx0KBh7PULl7bWg";
  for (const host of ["0.0.0.0", "::", "192.168.0.7", "nas", "::ffff:10.0.0.1"]) {
    const [problem, ...others] = problems(`[http]\nhost = "${host}"\n`);
    expect([
      host,
      others.length,
      problem?.includes("rt-data password"),
      problem?.includes("http.public = true"),
    ]).toEqual([...[host, 0, true, true]]);
    expect(problems(`[http]\nhost = "${host}"\npublic = true\n`)).toEqual([]);
    expect(problems(`[http]\nhost = "${host}"\npassword_hash = '${hash}'\n`)).toEqual([]);
  }
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
    expect([host, problems(`[http]\nhost = "${host}"\n`)]).toEqual([host, []]);
});

test("the host auto is this machine alone until there is a password, or everyone may look", () => {
  const hash = "$argon2id$v=19$m=19456,t=3,p=1$xYJ6vFgz1/Dpw0ulev+iuQ$li77Hsr625HOp3bM3fnM6auHFP5Msx0KBh7PULl7bWg";
  const hostOf = (more: string) => listenHost(load(`[http]\nhost = "auto"\n${more}`).http);
  expect([hostOf(""), hostOf("public = true"), hostOf(`password_hash = '${hash}'`)]).toEqual([
    "127.0.0.1",
    "0.0.0.0",
    "0.0.0.0",
  ]);
});

test("an invalid argon2id hash, or a hash that needs much memory, is refused without being shown", () => {
  for (const wrong of [
    "my secret password",
    "$argon2i$v=19$m=19456,t=3,p=1$xYJ6vFgz1/Dpw0ulev+iuQ$li77Hsr625HOp3bM3fnM6auHFP5Msx0KBh7PULl7bWg",
    "$argon2id$v=19$m=1048576,t=3,p=1$xYJ6vFgz1/Dpw0ulev+iuQ$li77Hsr625HOp3bM3fnM6auHFP5Msx0KBh7PULl7bWg",
    "$2b$10$abcdefghijklmnopqrstuv",
  ]) {
    const [problem = ""] = problems(`[http]\npassword_hash = '${wrong}'\n`);
    expect(problem).toContain("rt-data password");
    expect(problem).not.toContain(wrong);
  }
});
