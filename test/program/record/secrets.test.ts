import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

/** An address without a listener, so that every use of a secret fails and is logged. */
const nowhere = "http://127.0.0.1:9";

test("at every level, with all users of secrets failing and after a reload, no secret gets into log, status or metrics; log.level changes live", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "rt-data.toml");
  const s3 = join(folder, "s3_secret_key");
  const secrets = {
    password: await Bun.password.hash("correct horse", { algorithm: "argon2id", memoryCost: 8, timeCost: 1 }),
    token: "123456789:AAEhBP0av28zMyVzH6gHYxPqCDiExampleTk",
    webhook: "whsec-4f3a9c",
    heartbeat: "hb-7d21e6",
    channel: "tk_ch4nn3l-s3cr3t",
    webhookOfDiscord: "d1sc0rd-wh-t0k3n",
    accessKey: "AKIAEXAMPLE4711",
    secretKey: "s3-wJalrXUtnFEMI",
  };
  writeFileSync(s3, `${secrets.secretKey}\n`);
  const exchange = createSimulatedExchange(
    {},
    { source: createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 1 }), log: silentLog },
  );
  const { wsUrl, restUrl } = await exchange.start();
  const configure = (level: string) =>
    writeFileSync(
      file,
      `[record]\nsymbols = ["BTCUSDT"]\ndata_dir = "${join(folder, "data")}"\n[http]\nport = 0\n[log]\nlevel = "${level}"\n` +
        `[exchange]\nws_url = "${wsUrl}"\nrest_url = "${restUrl}"\n`,
    );
  configure("warn");
  const env = {
    RT_DATA_HTTP_PASSWORD_HASH: secrets.password,
    RT_DATA_TELEGRAM_TOKEN: secrets.token,
    RT_DATA_TELEGRAM_CHATS: "4711",
    RT_DATA_TELEGRAM_API_ROOT: nowhere,
    RT_DATA_ALERTS_WEBHOOK_URL: `${nowhere}/hook/${secrets.webhook}`,
    RT_DATA_ALERTS_HEARTBEAT_URL: `${nowhere}/ping/${secrets.heartbeat}`,
    RT_DATA_ALERTS_CHANNEL: [
      `ntfy://${secrets.channel}@127.0.0.1:9/topic?tls=off`,
      `discord://127.0.0.1:9/api/webhooks/1/${secrets.webhookOfDiscord}?tls=off`,
    ].join(" "),
    RT_DATA_UPLOAD_ENDPOINT: nowhere,
    RT_DATA_UPLOAD_BUCKET: "bucket",
    RT_DATA_UPLOAD_ACCESS_KEY: secrets.accessKey,
    RT_DATA_UPLOAD_SECRET_KEY_FILE: s3,
  };
  const program = start([...rtData, "record", "--config", file], { env });
  const url = await program.url();
  await until(async () => (await fetch(`${url}/health/ready`)).ok, "data to flow");
  expect(program.errors()).not.toMatch(/ info {2}| debug /);

  configure("debug");
  program.kill("SIGHUP");
  await until(() => program.errors().includes("config reloaded"), "the level to be debug");
  writeFileSync(file, "[log]\nlevel = 7\n");
  program.kill("SIGHUP");
  await until(() => program.errors().includes("cannot reload the config"), "the wrong config to be reported");

  const answers = await Promise.all(
    ["/api/status", "/metrics", "/api/events", "/openapi"].map(async (path) => {
      const headers = { authorization: `Basic ${btoa(":correct horse")}` };
      return (await fetch(`${url}${path}`, { headers })).text();
    }),
  );
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  await exchange.stop();
  const all = [program.errors(), program.output(), ...answers].join("\n");
  for (const [name, secret] of Object.entries(secrets)) expect([name, all.includes(secret)]).toEqual([name, false]);
}, 60_000);

test("the message about an invalid secret does not repeat the secret", async () => {
  const env = { RT_DATA_ALERTS_WEBHOOK_URL: "hooks.example.com/T0/B0/whsec-4f3a9c", RT_DATA_HTTP_PORT: "x" };
  const { code, errors, output } = await run(["record"], { env });
  expect(code).toBe(2);
  expect(errors).toContain("RT_DATA_ALERTS_WEBHOOK_URL: this is not accepted");
  expect(errors + output).not.toContain("whsec-4f3a9c");
});
