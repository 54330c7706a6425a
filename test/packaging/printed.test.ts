import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { environmentOf, loadConfig, secretKeys } from "../../server/config/config.ts";
import { appConfig } from "../support/app-config.ts";
import { temporaryFolder } from "../support/folder.ts";
import { run } from "../support/run.ts";

const site = { RT_DATA_HTTP_PUBLIC_URL: "https://data.example.org" };
const has = (program: string) => Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }) !== null;

async function printed(topic: string, env: Record<string, string> = {}, ...words: string[]): Promise<string> {
  const ran = await run(["ops", topic, ...words], { env });
  expect({ code: ran.code, errors: ran.errors }).toEqual({ code: 0, errors: "" });
  expect(ran.output).not.toContain("{{");
  return ran.output;
}

function tool(words: string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env };
  const ran = Bun.spawnSync(words, { ...options, env, stdout: "pipe", stderr: "pipe" });
  return { code: ran.exitCode, told: ran.stdout.toString() + ran.stderr.toString() };
}

describe("the unit", () => {
  test("is filled in from the config: folder, user, executable, and a credential for each secret", async () => {
    const unit = await printed("systemd", { RT_DATA_RECORD_DATA_DIR: "/srv/rt data/100%" }, "--user", "market");
    expect(unit).toContain("User=market\nGroup=market\n");
    expect(unit).toContain("ExecStart=/opt/rt-data/bin/rt-data record --config /etc/rt-data/rt-data.toml\n");
    expect(unit).toContain('ReadWritePaths="/srv/rt data/100%%"\n');
    expect(unit).toContain('RequiresMountsFor="/srv/rt data/100%%"\n');
    for (const secret of ["telegram_token", "http_password_hash", "upload_secret_key", "alerts_heartbeat_url"]) {
      expect(unit).toContain(`LoadCredential=${secret}:/etc/rt-data/credentials/${secret}\n`);
      expect(unit).toContain(`RT_DATA_${secret.toUpperCase()}_FILE=/run/credentials/rt-data.service/${secret}\n`);
    }
    expect(await printed("systemd")).not.toContain("ReadWritePaths");
    const home = await printed("systemd", { RT_DATA_RECORD_DATA_DIR: "/home/kim/data" });
    expect(home).toContain("ProtectHome=tmpfs\nBindPaths=/home/kim/data\n");
  });

  test.skipIf(!has("systemd-analyze"))("is faultless to systemd-analyze, and exposed by 2.0 at most", async () => {
    const folder = temporaryFolder();
    for (const dataDir of ["/var/lib/rt-data", "/srv/rt data", "/home/kim/data"]) {
      // The executable has to exist, and a user too; both are the machine's own here.
      const unit = await printed(
        "systemd",
        { RT_DATA_RECORD_DATA_DIR: dataDir },
        "--executable",
        "/bin/true",
        "--user",
        "games",
      );
      const file = join(folder, "rt-data.service");
      writeFileSync(file, unit);
      expect(tool(["systemd-analyze", "verify", file])).toEqual({ code: 0, told: "" });
      const { code, told } = tool([
        "systemd-analyze",
        "security",
        "--offline=true",
        "--threshold=20",
        "--no-pager",
        file,
      ]);
      expect(code).toBe(0);
      expect(Number(/Overall exposure level for \S+: ([\d.]+)/.exec(told)?.[1])).toBeLessThanOrEqual(2);
    }
  });

  test("hands over only settings that the program reads, and an empty secret counts as absent", async () => {
    const empty = join(temporaryFolder(), "empty");
    writeFileSync(empty, "\n");
    const names = [...(await printed("systemd")).matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThanOrEqual(6);
    const given = Object.fromEntries(names.map((name) => [name, empty]));
    const file = join(temporaryFolder(), "rt-data.toml");
    writeFileSync(file, '[telegram]\ntoken = "1:from-the-file"\n');
    const loaded = loadConfig(file, {}, given);
    expect(loaded.ok && loaded.config.telegram.token).toBe("1:from-the-file");
  });
});

describe("the site", () => {
  test("is filled in from public_url, port and base_path", async () => {
    const env = { RT_DATA_HTTP_PUBLIC_URL: "https://home.example.org:8443/market", RT_DATA_HTTP_BASE_PATH: "/market" };
    const conf = await printed("nginx", { ...env, RT_DATA_HTTP_PORT: "9000" });
    expect(conf).toContain("server 127.0.0.1:9000;");
    expect(conf).toContain("server_name home.example.org;");
    expect(conf).toContain("location /market/ {");
    expect(conf).toContain("return 301 https://home.example.org:8443/market/;");
    expect(await printed("nginx", site)).toContain("    location / {\n        proxy_pass");
  });

  test.skipIf(!has("nginx") || !has("openssl"))("is faultless to nginx", async () => {
    for (const env of [site, { RT_DATA_HTTP_PUBLIC_URL: "https://data.example.org/m", RT_DATA_HTTP_BASE_PATH: "/m" }]) {
      const folder = temporaryFolder();
      const certificates = join(folder, "data.example.org");
      mkdirSync(certificates);
      const pem = ["-keyout", join(certificates, "privkey.pem"), "-out", join(certificates, "fullchain.pem")];
      tool(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", ...pem]);
      const conf = (await printed("nginx", env)).replaceAll("/etc/letsencrypt/live", folder);
      writeFileSync(join(folder, "site.conf"), conf);
      writeFileSync(
        join(folder, "nginx.conf"),
        `pid ${folder}/pid;\nerror_log ${folder}/error.log;\nevents {}\nhttp {\naccess_log off;\ninclude ${folder}/site.conf;\n}\n`,
      );
      const { code, told } = tool(["nginx", "-t", "-c", join(folder, "nginx.conf"), "-p", folder]);
      expect({ code, told }).toEqual({ code: 0, told: expect.stringContaining("test is successful") });
      expect(told).not.toContain("[warn]");
    }
  });

  for (const [what, env, words] of [
    ["no name at all", {}, "http.public_url is not set"],
    ["a name without https", { RT_DATA_HTTP_PUBLIC_URL: "http://data.example.org" }, "give https://data.example.org"],
    ["an address", { RT_DATA_HTTP_PUBLIC_URL: "https://192.0.2.1" }, "a certificate needs a name"],
    ["two paths", { ...site, RT_DATA_HTTP_BASE_PATH: "/x" }, "make them the same"],
    ["any port", { ...site, RT_DATA_HTTP_PORT: "0" }, "set it to 8000"],
  ] as const) {
    test(`${what} is refused with what to do`, async () => {
      const { code, errors } = await run(["ops", "nginx"], { env });
      expect(code).toBe(2);
      expect(errors).toContain(words);
    });
  }
});

describe("the compose file", () => {
  const composeOf = async (env: Record<string, string> = {}, ...words: string[]) =>
    YAML.parse(await printed("compose", env, ...words)) as Record<"services" | "secrets", Record<string, object>>;

  test("is filled in from the config: port, settings that differ, image; and holds a dollar sign as Compose wants it", async () => {
    const env = { RT_DATA_HTTP_PORT: "9000", RT_DATA_UPLOAD_PREFIX: "a$b", RT_DATA_RECORD_SYMBOLS: "BNBUSDT", ...site };
    const { services } = await composeOf(env, "--image", "ghcr.io/me/rt-data:1");
    expect(services["rt-data"]).toMatchObject({
      image: "ghcr.io/me/rt-data:1",
      ports: ["127.0.0.1:9000:8000"],
      environment: {
        RT_DATA_RECORD_SYMBOLS: "BNBUSDT",
        RT_DATA_RECORD_STREAMS: "depth20@100ms,aggTrade",
        RT_DATA_UPLOAD_PREFIX: "a$$b",
        RT_DATA_HTTP_PUBLIC_URL: site.RT_DATA_HTTP_PUBLIC_URL,
      },
    });
    expect(await printed("compose", env)).not.toMatch(/DATA_DIR: |HTTP_PORT|LOG_LEVEL/);
    const { code, errors } = await run(["ops", "compose", "--image", "a b"]);
    expect([code, errors]).toEqual([2, expect.stringContaining("is not the name of an image")]);
  });

  test("passes each secret as a file, and stops no sooner than the recorder can", async () => {
    const { services, secrets } = await composeOf();
    const names = secretKeys.map((key) => key.replace(".", "_"));
    const variables = names.map((name) => [`RT_DATA_${name.toUpperCase()}_FILE`, `/run/secrets/${name}`] as const);
    expect(Object.keys(secrets).sort()).toEqual(names.toSorted());
    expect(services["rt-data"]).toMatchObject({
      read_only: true,
      stop_grace_period: "20s",
      environment: Object.fromEntries(variables),
      secrets: expect.arrayContaining(names),
    });
  });
});

test("settings printed as environment give the same config again", () => {
  const config = appConfig({
    "record.symbols": "BTCUSDT,币安人生USDT",
    "record.streams": "depth,aggTrade,bookTicker",
    "record.shard": "2/5",
    "feed.stale_ms": 700,
    "telegram.chats": "1,-2",
    "telegram.digest_time": "07:05",
    "http.trusted_proxies": "10.0.0.0/8",
  });
  for (const one of [config, appConfig({ "telegram.digest_time": "off" })]) {
    const loaded = loadConfig(null, {}, Object.fromEntries(environmentOf(one)));
    expect(loaded).toEqual({ ok: true, config: one });
  }
});

test("settings printed as environment are read again as they are, whatever characters they hold, and never become other settings", async () => {
  const folder = temporaryFolder();
  const values = {
    RT_DATA_RECORD_DATA_DIR: "/srv/my data/$HOME/`id`/\"x\" 'y' \\z # RT_DATA_HTTP_PUBLIC=true; é",
    RT_DATA_RECORD_SYMBOLS: "BTCUSDT,币安人生USDT",
  };
  const lines = (await printed("env", values)).split("\n").map((line) => line.replace(/^#(?=RT_DATA_)/, ""));
  writeFileSync(join(folder, "env"), lines.join("\n"));
  const { stdout } = Bun.spawnSync(["/bin/sh", "-c", "set -a; . ./env; env"], { cwd: folder, env: {} });
  const read = Object.fromEntries(
    stdout
      .toString()
      .split("\n")
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  expect(read).toMatchObject({ ...values, RT_DATA_HTTP_PUBLIC: "false" });
  const injected = { RT_DATA_RECORD_DATA_DIR: "/srv/data\nRT_DATA_HTTP_PUBLIC=true" };
  const refused = await run(["ops", "env"], { env: injected });
  expect([refused.code, refused.output, refused.errors]).toEqual([
    2,
    "",
    expect.stringContaining("RT_DATA_RECORD_DATA_DIR: "),
  ]);
});

test("no secret is ever printed", async () => {
  const env = {
    RT_DATA_TELEGRAM_TOKEN: "1:hush",
    RT_DATA_ALERTS_WEBHOOK_URL: "https://hooks.example.org/hush",
    RT_DATA_UPLOAD_SECRET_KEY: "hush",
    RT_DATA_UPLOAD_ACCESS_KEY: "hush",
    RT_DATA_UPLOAD_ENDPOINT: "https://s3.example.org",
    RT_DATA_UPLOAD_BUCKET: "b",
    ...site,
  };
  for (const topic of ["systemd", "compose", "env", "nginx", "config", "guide", "backup", "tunnel"])
    expect(await printed(topic, env)).not.toContain("hush");
});

test("every file says in its first lines where it belongs, and every script passes shellcheck", async () => {
  const places: Readonly<Record<string, string>> = {
    systemd: "/etc/systemd/system/rt-data.service",
    nginx: "/etc/nginx/sites-available/rt-data.conf",
    env: "/etc/rt-data/rt-data.env",
    config: "/etc/rt-data/rt-data.toml",
    chrony: "/etc/chrony/conf.d/rt-data.conf",
    ddclient: "/etc/ddclient.conf",
    tunnel: "/etc/cloudflared/config.yml",
    upgrades: "/etc/apt/apt.conf.d/52rt-data",
    backup: "/etc/cron.daily/rt-data-backup",
  };
  for (const [topic, place] of Object.entries(places))
    expect((await printed(topic, site)).split("\n").slice(0, 4).join("\n")).toContain(place);
  for (const topic of ["install", "certbot", "ufw", "backup"]) {
    const file = join(temporaryFolder(), `${topic}.sh`);
    writeFileSync(file, await printed(topic, site));
    expect(tool(["sh", "-n", file])).toEqual({ code: 0, told: "" });
    if (has("shellcheck")) expect(tool(["shellcheck", "-s", "sh", file])).toEqual({ code: 0, told: "" });
  }
  const scripts = ["preinst", "postinst", "prerm", "postrm"].map((name) =>
    join(import.meta.dir, `../../ops/debian/${name}.sh`),
  );
  if (has("shellcheck")) expect(tool(["shellcheck", ...scripts])).toEqual({ code: 0, told: "" });
});

test("the executable prints the install script of the checkout; unknown words get a suggestion", async () => {
  const install = readFileSync(join(import.meta.dir, "../../ops/install.sh"), "utf8");
  expect(await printed("install")).toBe(install);
  const broken = { RT_DATA_HTTP_PORT: "x" };
  expect((await run(["ops", "install"], { env: broken })).code).toBe(0);
  expect((await run(["ops", "systemd"], { env: broken })).code).toBe(2);
  for (const [words, told] of [
    [["ops", "ngin"], 'did you mean "nginx"?'],
    [["ops"], "ops needs one of systemd, nginx"],
    [["ops", "nginx", "too"], 'unexpected word "too"'],
    [["ops", "guide", "--lang", "kr"], 'did you mean "ko"?'],
    [["ops", "systemd", "--user", "R00t!"], "not a valid user name"],
    [["ops", "systemd", "--executable", "rt-data"], "not an absolute path"],
  ] as const) {
    const { code, errors } = await run(words);
    expect({ code, errors }).toEqual({ code: 2, errors: expect.stringContaining(told) });
  }
});
