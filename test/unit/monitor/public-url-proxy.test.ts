import { afterEach, expect, test } from "bun:test";
import { checkServer } from "../../../server/cli/check/check-server.ts";
import { createPublicUrlWatch, instanceHeader } from "../../../server/monitor/public-url.ts";
import { appConfig } from "../../support/app-config.ts";
import { startConnectProxy } from "../../support/network/connect-proxy.ts";
import { setProxies } from "../../support/network/proxy-variables.ts";
import { createCertificate } from "../../support/simulator/certificate.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

test.skipIf(Bun.which("openssl") === null)(
  "behind a proxy that alone knows the public name, page and certificate are seen, and the proxy's refusal is not the page's",
  async () => {
    const tls = createCertificate("page.test");
    const server = Bun.serve({
      ...{ port: 0, hostname: "127.0.0.1", tls },
      fetch: () => Response.json({ live: true }, { headers: { [instanceHeader]: "me" } }),
    });
    stops.push(() => server.stop(true));
    const proxy = await startConnectProxy({ "page.test:443": server.port ?? 0 });
    stops.push(proxy.stop, setProxies({ HTTPS_PROXY: proxy.url }));
    const watch = createPublicUrlWatch(
      { url: "https://page.test", everyMs: 60_000, timeoutMs: 20_000 },
      { instance: "me", nowMs: Date.now, ca: tls.cert },
    );
    await watch.check();
    expect(watch.state()).toMatchObject({ kind: "reached", host: "page.test", expiresInS: expect.any(Number) });
    expect(new Set(proxy.requests)).toEqual(new Set(["CONNECT page.test:443"]));

    proxy.conduct("forbid");
    await watch.check();
    expect(watch.state()).toMatchObject({
      kind: "unreachable",
      detail: expect.stringContaining("the proxy 127.0.0.1:"),
    });
    const patience = { ms: 20_000, signal: new AbortController().signal };
    const findings = await checkServer(appConfig({ "http.public_url": "https://page.test" }), patience);
    const reach = findings.find(({ check }) => check === "public.reach");
    expect(reach).toMatchObject({ state: "warning", detail: expect.stringContaining("does not allow page.test:443") });
  },
  60_000,
);
