import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ArchiveSummary, Page } from "../../../server/domain/queries.ts";
import { builtExecutable } from "../../support/executable.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { freePort, nginxMissing, nginxSite } from "../../support/machine/nginx.ts";
import { type Program, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

type Archives = Page<ArchiveSummary>;

const built = await builtExecutable();
const password = "correct horse";
const name = "data.example.org";
const basic = { authorization: `Basic ${btoa(`x:${password}`)}` };

describe.skipIf(nginxMissing !== "")(
  `the printed nginx site in front of the executable, below a path${nginxMissing}`,
  () => {
    let program: Program;
    let stopNginx: (() => Promise<void>) | null = null;
    let site: ReturnType<typeof nginxSite>;
    let root: string;
    let printed: string;
    let ports: { http: number; https: number };

    beforeAll(async () => {
      const folder = temporaryFolder();
      const port = await freePort();
      ports = { http: await freePort(), https: await freePort() };
      const hash = await Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 256, timeCost: 2 });
      const config = join(folder, "rt-data.toml");
      const http = { port, base_path: "/rt-data", public_url: `https://${name}/rt-data`, password_hash: hash };
      const lines = Object.entries(http).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      writeFileSync(config, `[http]\n${lines.join("\n")}\n[archive]\nlevel = 3\n`);
      const ran = await run(["ops", "nginx", "--config", config], { program: [built] });
      if (ran.code !== 0) throw new Error(ran.errors);
      printed = ran.output;
      site = nginxSite(printed, ports);
      program = start([built, "demo", "--config", config, "--data-dir", join(folder, "data")], { cwd: folder });
      const direct = await program.url();
      // Past nginx, which would soon have enough of being asked.
      await until(async () => (await fetch(`${direct}/health/ready`)).ok, "data to flow", 30_000);
      const archives = async () =>
        (await (await fetch(`${direct}/api/archives`, { headers: basic })).json()) as Archives;
      await until(async () => (await archives()).items.length > 0, "an archived day", 30_000);
      stopNginx = await site.start();
      root = `https://127.0.0.1:${ports.https}/rt-data`;
    }, 60_000);
    afterAll(async () => {
      await stopNginx?.();
      program?.kill("SIGTERM");
      await program?.ended;
    });

    /** As a browser that looks for the site's own name would ask it. */
    const ask = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
      fetch(root + path, {
        ...init,
        headers: { host: name, ...init.headers },
        redirect: "manual",
        tls: { rejectUnauthorized: false },
      });
    const origin = `https://${name}`;

    async function logIn(): Promise<string> {
      const answer = await ask("/api/session", {
        method: "POST",
        body: JSON.stringify({ password }),
        headers: { "content-type": "application/json", origin },
      });
      expect(answer.status).toBe(200);
      return answer.headers.get("set-cookie") ?? "";
    }

    /** First message of a WebSocket, or the close code. */
    function listen(path: string, headers: Record<string, string>): Promise<string | number> {
      return new Promise((resolve) => {
        const options = { headers: { host: name, ...headers }, tls: { rejectUnauthorized: false } };
        const socket = new WebSocket(`${root.replace("https", "wss")}${path}`, options as unknown as string[]);
        socket.onmessage = ({ data }) => {
          resolve(String(data));
          socket.close();
        };
        socket.onclose = ({ code }) => resolve(code);
      });
    }

    test("nginx is content with it", () => {
      const { isGood, said } = site.check();
      expect(said).toContain("syntax is ok");
      expect([isGood, said.replaceAll(/.*(syntax is ok|test is successful).*\n/g, "")]).toEqual([true, ""]);
    });

    test("the page, its parts and the login are there, compressed, over https alone", async () => {
      const plain = await fetch(`http://127.0.0.1:${ports.http}/rt-data/dashboard`, {
        headers: { host: name },
        redirect: "manual",
      });
      expect([plain.status, plain.headers.get("location")]).toEqual([301, `${origin}/rt-data/dashboard`]);
      const led = await ask("/dashboard", { headers: { accept: "text/html" } });
      expect([led.status, led.headers.get("location")]).toEqual([303, "login?to=dashboard"]);
      const cookie = await logIn();
      expect(cookie).toMatch(
        /^__Secure-rt-data-[0-9a-f]{8}=[\w-]+; Path=\/rt-data; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure/,
      );
      const headers = { cookie: cookie.split(";")[0] ?? "", accept: "text/html" };
      const page = await ask("/dashboard", { headers });
      expect([page.status, page.headers.get("content-security-policy")]).toEqual([
        200,
        expect.stringContaining("'self'"),
      ]);
      const script = /src="([^"]+\.js)"/.exec(await page.text())?.[1] ?? "";
      expect((await ask(`/${script.replace("./", "")}`)).status).toBe(200);
      const status = await ask("/api/status", { headers: { ...headers, "accept-encoding": "gzip" } });
      expect([status.status, status.headers.get("content-encoding")]).toEqual([200, "gzip"]);
      expect((await ask("", {})).status).toBeOneOf([301, 308]);
      expect(status.headers.get("strict-transport-security")).toBe("max-age=31536000");
      expect(status.headers.get("server")).toBe("nginx");
    });

    test("WebSockets deliver to our own page and to programs, and to no other page", async () => {
      const cookie = (await logIn()).split(";")[0] ?? "";
      for (const path of ["/ws/dashboard", "/ws/book/BTCUSDT"]) {
        expect(await listen(path, { cookie, origin })).toStartWith("{");
        expect(await listen(path, basic)).toStartWith("{");
        for (const foreign of ["https://evil.example", `https://${name}.evil.example`, "null"])
          expect([foreign, typeof (await listen(path, { cookie, origin: foreign }))]).toEqual([foreign, "number"]);
        expect(typeof (await listen(path, { origin }))).toBe("number");
      }
      const refused = await ask("/api/verify/depth20/BTCUSDT/2026-11-21", {
        method: "POST",
        headers: { cookie, origin: "https://evil.example" },
      });
      expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("cross_site")]);
    });

    test("an archive comes in whole and in parts; health is answered to HEAD without a password", async () => {
      const { items } = (await (await ask("/api/archives", { headers: basic })).json()) as Archives;
      const [day] = items;
      const path = `/api/archives/${day?.stream}/${day?.symbol}/${day?.date}/file`;
      const whole = new Uint8Array(await (await ask(path, { headers: basic })).arrayBuffer());
      expect(new Bun.CryptoHasher("sha256").update(whole).digest("hex")).toBe(day?.sha256 ?? "");
      const part = await ask(path, { headers: { ...basic, range: "bytes=100-299" } });
      expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 100-299/${whole.length}`]);
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.slice(100, 300));
      expect((await ask(path, { headers: { ...basic, "if-none-match": `"${day?.sha256}"` } })).status).toBe(304);
      expect((await ask(path, {})).status).toBe(401);
      for (const health of ["/health/live", "/health/ready"]) {
        const head = await ask(health, { method: "HEAD" });
        expect([head.status, await head.text()]).toEqual([200, ""]);
      }
    });

    test("a proxy may strip the path or keep it", async () => {
      const own = { http: await freePort(), https: await freePort() };
      const stripping = printed
        .replace(/(location \/rt-data\/ \{\s+proxy_pass http:\/\/rt_data);/, "$1/;")
        .replace(/(location \/rt-data\/ws\/ \{\s+proxy_pass http:\/\/rt_data);/, "$1/ws/;");
      expect(stripping.length).toBe(printed.length + 5);
      const stop = await nginxSite(stripping, own).start();
      const before = root;
      root = `https://127.0.0.1:${own.https}/rt-data`;
      const cookie = (await logIn()).split(";")[0] ?? "";
      const led = await ask("/orderbook/BTCUSDT", { headers: { accept: "text/html" } });
      expect([led.status, led.headers.get("location")]).toEqual([303, "../login?to=orderbook%2FBTCUSDT"]);
      expect((await ask("/api/status", { headers: { cookie } })).status).toBe(200);
      expect(await listen("/ws/dashboard", { cookie, origin })).toStartWith("{");
      root = before;
      await stop();
    });

    test("who guesses passwords or asks without end is slowed, and told how", async () => {
      const codes: number[] = [];
      for (let n = 0; n < 7; n++) {
        const headers = { authorization: `Basic ${btoa(`x:guess ${n}`)}` };
        codes.push((await ask("/api/status", { headers })).status);
      }
      expect(codes).toEqual([401, 401, 401, 401, 401, 429, 429]);
      expect(program.errors()).toContain("address=127.0.0.1");
      const answers = await Promise.all(Array.from({ length: 250 }, async () => (await ask("/health/live")).status));
      const limited = answers.filter((status) => status === 429).length;
      expect(answers.filter((status) => status === 200).length).toBeGreaterThan(0);
      expect(limited).toBeGreaterThan(100);
      expect(limited + answers.filter((status) => status === 200).length).toBe(250);
    });
  },
);
