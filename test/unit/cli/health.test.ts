import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Flags } from "../../../server/cli/framework/command.ts";
import { health } from "../../../server/cli/health.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { serve } from "../../support/http/serving.ts";
import { run } from "../../support/run.ts";

const reasons = ["no data for 12 s", "btcusdt@aggTrade:\nsilent"];
const sick = () => ({ ...fakeStatus(1, 3), ready: false, reasons });
const hash = Bun.password.hashSync("correct horse", { algorithm: "argon2id", memoryCost: 64, timeCost: 2 });

/** Runs the command in this process; resolves with its code and its lines. */
async function ask(flags: Flags): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const terminal = { print: (line: string) => void lines.push(line) } as Parameters<typeof health.run>[1];
  const code = await health.run({ config: configFile(""), ...flags }, terminal);
  return { code, lines };
}

function configFile(content: string): string {
  const path = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(path, content);
  return path;
}

test("a recorder whose data flows is healthy: one line, exit code 0, also if it listens on every address", async () => {
  const served = await serve({ access: { basePath: "/rt-data", passwordHash: hash } });
  const config = configFile(`[http]\nbase_path = "/rt-data"\nhost = "0.0.0.0"\nport = ${served.port}\n`);
  for (const flags of [{ config }, { port: String(served.port) }, { config, host: "127.0.0.1" }])
    expect(await ask(flags)).toEqual({ code: 0, lines: ["healthy: data flows"] });
  const { lines } = await ask({ config, json: "" });
  expect(JSON.parse(lines.join())).toEqual({ healthy: true, running: true, reasons: [] });
  await served.close();
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

test.skipIf(!hasIpv6)("http.host = :: is asked by the loopback address of IPv6", async () => {
  const server = Bun.serve({ hostname: "::1", port: 0, fetch: () => Response.json({ ready: true }) });
  expect((await ask({ host: "::", port: String(server.port) })).code).toBe(0);
  await server.stop(true);
});

test("a recorder without data says why in one line, also behind a password if the config tells it", async () => {
  for (const passwordHash of ["", hash]) {
    const served = await serve({ status: sick, access: { passwordHash } });
    // Other settings may be wrong: the recorder may have started before somebody broke the file.
    const config = configFile(`[http]\nport = ${served.port}\npassword_hash = '${passwordHash}'\n[recrod]\nx = 1\n`);
    const line = "not ready: no data for 12 s; btcusdt@aggTrade: silent";
    expect(await ask({ config })).toEqual({ code: 1, lines: [line] });
    const { code, lines } = await ask({ config, json: "" });
    expect([code, JSON.parse(lines.join())]).toEqual([1, { healthy: false, running: true, reasons }]);
    await served.close();
  }
});

test("the reasons stay hidden from whoever does not know the password's hash", async () => {
  const served = await serve({ status: sick, access: { passwordHash: hash } });
  const { code, lines } = await ask({ port: String(served.port) });
  expect({ code, lines }).toEqual({
    code: 1,
    lines: ["not ready: the reasons are for those who are logged in; see the recorder's log"],
  });
  for (const proof of ["", "x", hash]) {
    const answer = await fetch(`${served.url}/health/ready`, { headers: { "rt-data-health": proof } });
    expect(await answer.json()).toEqual({ ready: false });
  }
  await served.close();
});

test("no recorder, another program, silence, and an unknown port each say what is the matter", async () => {
  const free = Bun.serve({ port: 0, fetch: () => new Response("") });
  const port = String(free.port);
  const other = await ask({ port });
  expect(other).toEqual({ code: 1, lines: [`not running: 127.0.0.1:${port} is in use by another program`] });
  await free.stop(true);
  expect(await ask({ port })).toEqual({ code: 1, lines: [`not running: no program listens on 127.0.0.1:${port}`] });

  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const silentPort = String(typeof address === "object" ? address?.port : 0);
  const late = await ask({ port: silentPort, timeout: "0.2" });
  expect(late.code).toBe(1);
  expect(late.lines.join()).toMatch(/^not running: no answer from 127\.0\.0\.1:\d+: .*0\.2 s/);
  silent.close();

  expect((await ask({ port: "0" })).lines.join()).toContain("http.port is 0 (any free port)");
  const unreadable = await ask({ config: "/nowhere/rt-data.toml" });
  expect(unreadable.lines).toEqual([
    "not running: the recorder's address is unknown: /nowhere/rt-data.toml: the file does not exist",
  ]);
  await expect(ask({ timeout: "soon" })).rejects.toThrow('--timeout "soon" is not accepted');
});

test("a proxy in the environment is never asked for the recorder on this machine", async () => {
  const served = await serve();
  const env = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1", ALL_PROXY: "http://127.0.0.1:1" };
  const { code, output } = await run(["health", "--port", String(served.port)], { env });
  expect([code, output]).toEqual([0, "healthy: data flows\n"]);
  await served.close();
});
