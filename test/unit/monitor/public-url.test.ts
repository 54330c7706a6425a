import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createPublicUrlWatch, instanceHeader } from "../../../server/monitor/public-url.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createCertificate } from "../../support/simulator/certificate.ts";
import { until } from "../../support/wait.ts";

const instance = "me";
const mine = () => Response.json({ live: true }, { headers: { [instanceHeader]: instance } });

/** Returns the state after a check of a server with this certificate. */
async function lookAt(
  answer: (request: Request) => Response | Promise<Response>,
  over: {
    tls?: { key: string; cert: string } | null;
    ca?: string;
    nowMs?: number;
    timeoutMs?: number;
    host?: string;
  } = {},
) {
  const tls = over.tls === undefined ? null : over.tls;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer, ...(tls === null ? {} : { tls }) });
  const url = `${tls === null ? "http" : "https"}://${over.host ?? "localhost"}:${server.port}`;
  const nowMs = over.nowMs ?? Date.now();
  const watch = createPublicUrlWatch(
    { url, everyMs: 60_000, timeoutMs: over.timeoutMs ?? 5000 },
    { instance, nowMs: () => nowMs, ...(over.ca === undefined ? {} : { ca: over.ca }) },
  );
  try {
    await watch.check();
    return watch.state();
  } finally {
    await server.stop(true);
  }
}

const detail = async (...args: Parameters<typeof lookAt>) => {
  const state = await lookAt(...args);
  return state?.kind === "unreachable" ? state.detail : state?.kind;
};

test("a recorder that answers by its public name is reachable, over TLS with the time until the certificate expires", async () => {
  const { key, cert } = createCertificate();
  const paths: string[] = [];
  const answer = (request: Request) => {
    paths.push(new URL(request.url).pathname);
    return mine();
  };
  const state = await lookAt(answer, { tls: { key, cert }, ca: cert });
  expect(state).toMatchObject({ kind: "reached", host: expect.stringMatching(/^localhost:/) });
  expect(state?.kind === "reached" && state.expiresInS).toBeGreaterThan(86_400);
  expect(paths).toEqual(["/health/live"]);
  expect(await lookAt(mine)).toMatchObject({ kind: "reached", expiresInS: null });
});

test.skipIf(Bun.which("openssl") === null)(
  "a certificate is reported with its remaining days, and as expired the day after",
  async () => {
    const folder = temporaryFolder();
    const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "5",
    ];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    expect(Bun.spawnSync(["openssl", ...request, ...names, "-keyout", keyFile, "-out", certFile]).exitCode).toBe(0);
    const tls = { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") };
    const state = await lookAt(mine, { tls, ca: tls.cert });
    expect(state?.kind === "reached" && Math.round((state.expiresInS ?? 0) / 86_400)).toBe(5);
    expect(await detail(mine, { tls, ca: tls.cert, nowMs: Date.now() + 6 * 86_400_000 })).toMatch(
      /has expired .*renew it/,
    );
  },
);

test("every obstacle is reported with advice", async () => {
  const { key, cert } = createCertificate();
  expect(await detail(mine, { tls: { key, cert } })).toMatch(
    /certificate of localhost:\d+ is not accepted \(.*self.signed.*\)/i,
  );
  const nginx = { headers: { server: "nginx/1.24.0" } };
  expect(await detail(() => new Response("", { status: 502, ...nginx }))).toMatch(
    /^nginx\/1.24.0 answers 502: the proxy does not reach rt-data/,
  );
  expect(await detail(() => Response.redirect("https://elsewhere.example/"))).toMatch(
    /answers 302 to https:\/\/elsewhere/,
  );
  expect(await detail(() => new Response("Welcome", nginx))).toMatch(
    /^another server answers at .*\(200, nginx\/1.24.0\)/,
  );
  const other = () => new Response("", { headers: { [instanceHeader]: "another" } });
  expect(await detail(other)).toMatch(/^another rt-data answers/);
  expect(await detail(mine, { host: "no-such-name.invalid" })).toMatch(
    /^DNS: no-such-name.invalid does not resolve \(/,
  );
  const never = () => new Promise<Response>(() => {});
  expect(await detail(never, { timeoutMs: 300 })).toMatch(/does not answer within 0.3 s; check the firewall/);
});

test("a closed port and a port that never speaks TLS are reported differently", async () => {
  const mute = createServer((socket) => void socket.resume());
  await new Promise<void>((done) => mute.listen(0, "127.0.0.1", done));
  const address = mute.address();
  const port = typeof address === "object" ? address?.port : 0;
  const at = (url: string) => createPublicUrlWatch({ url, everyMs: 1, timeoutMs: 300 }, { instance, nowMs: Date.now });
  const silent = at(`https://127.0.0.1:${port}`);
  await silent.check();
  expect(silent.state()).toMatchObject({ detail: expect.stringContaining("does not answer within 0.3 s") });
  await new Promise<void>((done) => mute.close(() => done()));
  const gone = at(`http://127.0.0.1:${port}`);
  await gone.check();
  expect(gone.state()).toMatchObject({ detail: expect.stringContaining("no server listens at 127.0.0.1") });
});

test("checks keep their interval, run one at a time, and do not run without a URL", async () => {
  let asked = 0;
  let answer = null as (() => void) | null;
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    async fetch() {
      asked++;
      await new Promise<void>((done) => {
        answer = done;
      });
      return mine();
    },
  });
  let now = 0;
  const url = `http://127.0.0.1:${server.port}`;
  const deps = { instance, nowMs: Date.now, monotonicMs: () => now };
  const watch = createPublicUrlWatch({ url, everyMs: 60_000, timeoutMs: 10_000 }, deps);
  watch.tick();
  now = 60_001;
  watch.tick();
  await until(() => answer !== null, "the first request");
  watch.tick();
  answer?.();
  await until(() => watch.state()?.kind === "reached", "the answer");
  expect(asked).toBe(1);
  answer = null as (() => void) | null;
  watch.tick();
  await until(() => answer !== null, "the second request");
  answer?.();
  await watch.check();
  watch.tick();
  expect(asked).toBe(2);
  const none = createPublicUrlWatch({ url: "", everyMs: 1, timeoutMs: 1 }, deps);
  none.tick();
  expect(none.state()).toBeNull();
  await server.stop(true);
});
