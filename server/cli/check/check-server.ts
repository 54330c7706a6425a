import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Config, listenHost } from "../../config/config.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { boundedFetch, statusBytes } from "../../platform/fetch/bounded-fetch.ts";
import { type Route, routeTo } from "../../platform/fetch/proxy-route.ts";
import { openTunnel } from "../../platform/fetch/tunnel.ts";
import { createDeadline } from "../../platform/time/deadline.ts";
import { askReady } from "./ask-ready.ts";
import {
  answered,
  type CheckFinding,
  failed,
  ok,
  type Probe,
  type ProbePatience,
  reach,
  skipped,
  warning,
} from "./finding.ts";

/** Checks the page: its port, its password, and whether it is reachable at its public URL. */
export const checkServer: Probe = async ({ http }, patience) => {
  const findings = [http.port === 0 ? ok("http.port", "any free port (http.port = 0)") : await checkPort(http)];
  if (http.password_hash !== "" && !http.password_hash.startsWith("$argon2id$")) {
    const advice = "create it by: rt-data password";
    findings.push(failed("http.password", "http.password_hash is not an argon2id hash", advice));
  } else if (http.password_hash === "" && http.trusted_user_header !== "") {
    const [header, proxies] = [http.trusted_user_header, http.trusted_proxies.join(", ")];
    const advice = "list the proxy's address in http.trusted_proxies, or set a password";
    if (proxies === "")
      findings.push(failed("http.password", `no proxy may send ${header}, so the page is closed to all`, advice));
    else findings.push(ok("http.password", `none; whom ${proxies} names in ${header} gets in`));
  } else if (http.password_hash === "" && http.public_url !== "") {
    const advice = "set a password: rt-data password";
    findings.push(warning("http.password", "anyone who knows the address can see the page", advice));
  } else {
    const set = http.password_hash === "" ? "none; the page is only reachable from this machine" : "set";
    findings.push(ok("http.password", http.public ? `${set} (http.public = true: anyone may view the page)` : set));
  }
  return http.public_url === "" ? findings : [...findings, ...(await checkPublicUrl(http.public_url, patience))];
};

async function checkPort(http: Config["http"]): Promise<CheckFinding> {
  const { port } = http;
  const host = listenHost(http);
  const ready = await askReady(http);
  if (ready.kind === "ready") return ok("http.port", `the recorder answers on ${host}:${port}: data flows`);
  if (ready.kind === "not ready") {
    const why = ready.reasons[0] ?? "no reason given";
    return warning(
      "http.port",
      `the recorder answers on ${host}:${port}, but is not ready: ${why}`,
      "see the log: journalctl -u rt-data -n 50",
    );
  }
  const code = await bindProblem(host, port);
  if (code === null) return ok("http.port", `${host}:${port} is free`);
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `find the program: sudo ss -ltnp 'sport = :${port}'; then stop it, or set http.port`,
    EACCES: "ports below 1024 need a privilege: set http.port to a higher port, with nginx in front",
    EADDRNOTAVAIL: "this machine does not have this address: set http.host to its own address, such as 127.0.0.1",
  };
  const problem = code === "EADDRINUSE" ? "is in use by another program" : `cannot be listened on (${code})`;
  return failed("http.port", `${host}:${port} ${problem}`, advice[code] ?? "check http.host and http.port");
}

function bindProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(codeOf(error) ?? messageOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

async function checkPublicUrl(publicUrl: string, patience: ProbePatience): Promise<CheckFinding[]> {
  const reached = await reach("public.reach", publicUrl, "http.public_url", patience);
  if (reached.state === "failed") {
    const advice = `${reached.advice ?? ""}. Many routers do not route back into their own network: try it from a phone without Wi-Fi`;
    return [{ ...reached, state: "warning", advice }];
  }
  const url = `${publicUrl}/health/ready`;
  const findings = [reached];
  const route = routeTo(publicUrl);
  if (publicUrl.startsWith("https:")) findings.push(await certificate(publicUrl, route, patience));
  try {
    const bounds = { timeoutMs: patience.ms, maxBytes: statusBytes, statusOnly: true };
    const { status, proxy } = await boundedFetch(url, { method: "HEAD", signal: patience.signal }, bounds);
    if (proxy !== null && status !== 200) {
      const advice = "add the host of http.public_url to NO_PROXY, or try it from a phone without Wi-Fi";
      return [...findings, warning("public.page", `${proxy} or the server behind it answers HTTP ${status}`, advice)];
    }
    const meanings: Readonly<Record<number, CheckFinding>> = {
      200: ok("public.page", `${publicUrl} reaches the recorder, and data flows`),
      503: warning("public.page", `${publicUrl} reaches the recorder, which is not ready`, "see http.port above"),
      404: failed(
        "public.page",
        `${publicUrl} reaches another server`,
        "check that the nginx site is enabled and uses the same http.base_path",
      ),
      502: failed(
        "public.page",
        "the proxy cannot reach the recorder",
        "check that rt-data runs and that the site uses its port: rt-data ops nginx",
      ),
    };
    const advice = "see /var/log/nginx/error.log, and check that the name resolves to this machine";
    findings.push(meanings[status] ?? failed("public.page", `${publicUrl} answers HTTP ${status}`, advice));
  } catch (error) {
    const problem = `${publicUrl} does not answer (${codeOf(error) ?? messageOf(error)})`;
    findings.push(
      warning("public.page", problem, "see /var/log/nginx/error.log, and try it from a phone without Wi-Fi"),
    );
  }
  return findings;
}

async function certificate(url: string, route: Route, patience: ProbePatience): Promise<CheckFinding> {
  const { hostname } = new URL(url);
  const port = Number(new URL(url).port) || 443;
  const renew = "renew it: sudo certbot renew, and sudo nginx -t";
  const deadline = createDeadline({ what: "no answer", ...patience });
  const tunnel =
    route.kind === "proxy" ? await openTunnel(route, `${hostname}:${port}`, deadline.signal).catch(() => null) : null;
  deadline.clear();
  if (route.kind === "proxy" && tunnel === null)
    return skipped("public.certificate", `${route.name} opens no tunnel to ${hostname}:${port}`);
  const socket = connectTls({
    ...(tunnel === null ? { host: hostname, port } : { socket: tunnel }),
    servername: hostname,
    rejectUnauthorized: false,
  });
  try {
    await answered(
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", resolve);
        socket.once("error", reject);
      }),
      patience,
    );
    const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / 86_400_000);
    if (days < 0) return failed("public.certificate", `the certificate expired ${-days} days ago`, renew);
    if (!socket.authorized)
      return failed(
        "public.certificate",
        `the certificate is not trusted (${socket.authorizationError})`,
        `get a certificate for ${hostname}: rt-data ops certbot`,
      );
    if (days < 14) return warning("public.certificate", `the certificate expires in ${days} days`, renew);
    return ok("public.certificate", `valid for ${days} days`);
  } catch (error) {
    return skipped("public.certificate", `no TLS there (${codeOf(error) ?? messageOf(error)})`);
  } finally {
    socket.destroy();
  }
}
