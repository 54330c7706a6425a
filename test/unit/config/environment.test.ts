import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, loadSettings } from "../../../server/config/config.ts";
import { temporaryFolder } from "../../support/folder.ts";

/** Variables as Kubernetes 1.31 sets them for a service with a named port, and Docker 27 for `--link`. */
function injected(service: string, port: number): Record<string, string> {
  const address = `10.96.0.${port % 250}`;
  return {
    [`${service}_SERVICE_HOST`]: address,
    [`${service}_SERVICE_PORT`]: String(port),
    [`${service}_SERVICE_PORT_DASHBOARD`]: String(port),
    [`${service}_PORT`]: `tcp://${address}:${port}`,
    [`${service}_PORT_${port}_TCP`]: `tcp://${address}:${port}`,
    [`${service}_PORT_${port}_TCP_PROTO`]: "tcp",
    [`${service}_PORT_${port}_TCP_PORT`]: String(port),
    [`${service}_PORT_${port}_TCP_ADDR`]: address,
    [`${service}_NAME`]: "/grafana/rt-data",
  };
}

function settingsOf(environment: Record<string, string>, content = "") {
  const file = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(file, content);
  return loadSettings(file, {}, environment);
}

test("variables that Kubernetes and Docker inject for a service of our name, or near it, are passed over in silence", () => {
  const environment = {
    ...injected("RT_DATA", 8000),
    ...injected("RT_DATA_HTTP", 80),
    ...injected("RT_DATA_METRICS", 9100),
    RT_DATA_ENV_PATH: "/usr/bin",
    RT_DATA_PORT_53_UDP_PROTO: "udp",
  };
  const { config, problems, warnings } = settingsOf(environment, "[http]\nport = 9000\n");
  expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
  expect(config?.http).toMatchObject({ host: "127.0.0.1", port: 9000 });
});

test("a real setting that looks like an injected one still counts", () => {
  expect(settingsOf({ RT_DATA_HTTP_PORT: "8100" }).config?.http.port).toBe(8100);
  expect(settingsOf({ RT_DATA_HTTP_PORT: "eight" }).problems).toHaveLength(1);
});

test("an unknown variable is a warning with a suggestion and without its value, so that older versions start", () => {
  const { config, warnings } = settingsOf({
    RT_DATA_HTTP_PROT: "hush",
    RT_DATA_PORT: "8000",
    RT_DATA_ALERTS_DELAY_WARNING: "3",
    RT_DATA_RELAY_PORT: "9300",
    RT_DATA_UPLOAD_BUCKET_FILE: "/run/secrets/bucket",
  });
  expect(config).not.toBeNull();
  expect(warnings.map(({ where, problem }) => `${where}: ${problem}`)).toEqual([
    'RT_DATA_HTTP_PROT: ignored: unknown variable (did you mean "RT_DATA_HTTP_PORT"?)',
    'RT_DATA_PORT: ignored: unknown variable (did you mean "RT_DATA_HTTP_PORT"?)',
    'RT_DATA_ALERTS_DELAY_WARNING: ignored: unknown variable (did you mean "RT_DATA_ALERTS_DELAY_WARNING_MS"?)',
    expect.stringContaining("RT_DATA_RELAY_PORT: ignored: unknown variable"),
    "RT_DATA_UPLOAD_BUCKET_FILE: ignored: only secrets are read from files; set RT_DATA_UPLOAD_BUCKET, or the setting in the config file",
  ]);
  expect(JSON.stringify(warnings)).not.toContain("hush");
});

test("an empty variable means not set, for every kind of setting and for the file of a secret", () => {
  const environment = {
    ...{ RT_DATA_HTTP_PORT: "", RT_DATA_RECORD_SYMBOLS: " ", RT_DATA_HTTP_PASSWORD_HASH: "", RT_DATA_LOG_LEVEL: "" },
    ...{ RT_DATA_TELEGRAM_TOKEN_FILE: "", RT_DATA_HTTP_TRUSTED_PROXIES: "", RT_DATA_NEWER: "" },
  };
  const { config, problems, warnings } = settingsOf(environment, '[http]\nport = 9000\n[telegram]\ntoken = "1:a"\n');
  expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
  expect([config?.http.port, config?.telegram.token]).toEqual([9000, "1:a"]);
  expect(config?.http.trusted_proxies).toEqual(["127.0.0.1", "::1"]);
  const none = loadConfig(null, {}, { RT_DATA_HTTP_TRUSTED_PROXIES: "none" });
  expect(none.ok && none.config.http.trusted_proxies).toEqual([]);
});

test("a secret that a variable and a file give differently is refused; the same or an empty file is not", () => {
  const folder = temporaryFolder();
  const file = (content: string) => {
    const path = join(folder, `${content.length}`);
    writeFileSync(path, content);
    return path;
  };
  const both = (content: string) =>
    settingsOf({ RT_DATA_TELEGRAM_TOKEN: "1:hush", RT_DATA_TELEGRAM_TOKEN_FILE: file(content) });
  expect(both("1:hush\n").config?.telegram.token).toBe("1:hush");
  expect(both("").config?.telegram.token).toBe("1:hush");
  expect(both("2:other").problems).toEqual([
    {
      where: "RT_DATA_TELEGRAM_TOKEN_FILE",
      problem: "RT_DATA_TELEGRAM_TOKEN gives another value for the same setting; unset either variable",
    },
  ]);
});

test("every setting says where it comes from, also in a wrong config", () => {
  const secret = join(temporaryFolder(), "token");
  writeFileSync(secret, "1:a\n");
  const { file, settings } = loadSettings(
    null,
    { "http.host": "::1" },
    { RT_DATA_HTTP_PORT: "many", RT_DATA_TELEGRAM_TOKEN_FILE: secret },
  );
  const of = (name: string) => settings.find((setting) => setting.name === name);
  expect(file).toBeNull();
  expect(of("http.port")).toEqual({
    ...{ name: "http.port", value: undefined },
    source: { kind: "environment", where: "RT_DATA_HTTP_PORT" },
  });
  expect(of("http.host")?.source).toEqual({ kind: "flag", where: "--host" });
  expect(of("telegram.token")?.source).toEqual({ kind: "secret file", where: "RT_DATA_TELEGRAM_TOKEN_FILE" });
  expect(of("http.public")).toEqual({ name: "http.public", value: false, source: { kind: "default", where: "" } });
});
