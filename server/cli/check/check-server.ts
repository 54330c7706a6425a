import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Config } from "../../config/config.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { boundedFetch, statusBytes } from "../../platform/fetch/bounded-fetch.ts";
import { upstreamOf } from "../ops/ops-site.ts";
import {
  type CheckFinding,
  failed,
  ok,
  type Probe,
  type ProbePatience,
  reach,
  skipped,
  warning,
  within,
} from "./finding.ts";

/** The page: its port, who may see it, and the way to it from outside. */
export const checkServer: Probe = async ({ http }, patience) => {
  const findings = [http.port === 0 ? ok("http.port", "any free one (http.port = 0)") : await checkPort(http)];
  if (http.password_hash !== "" && !http.password_hash.startsWith("$argon2id$")) {
    const advice = "make it by: rt-data password";
    findings.push(failed("http.password", "http.password_hash is no argon2id hash", advice));
  } else if (http.password_hash === "" && http.public_url !== "") {
    const advice = "make a password: rt-data password";
    findings.push(warning("http.password", "whoever knows the address sees the page", advice));
  } else {
    const set = http.password_hash === "" ? "none; the page is seen from this machine alone" : "set";
    findings.push(ok("http.password", http.public ? `${set} (http.public = true: all may look)` : set));
  }
  return http.public_url === "" ? findings : [...findings, ...(await checkPublicUrl(http.public_url, patience))];
};

async function checkPort(http: Config["http"]): Promise<CheckFinding> {
  const { host, port } = http;
  const ready = await askReady(http);
  if (ready !== null) {
    if (ready.ready) return ok("http.port", `the recorder answers on ${host}:${port}: data flows`);
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
    EADDRINUSE: `see who has it: sudo ss -ltnp 'sport = :${port}'; then stop that, or set http.port`,
    EACCES: "ports below 1024 need a privilege: set http.port to a higher one, with nginx in front",
    EADDRNOTAVAIL: "this machine has no such address: set http.host to one of its own, such as 127.0.0.1",
  };
  const what = code === "EADDRINUSE" ? "is taken by another program" : `cannot be listened on (${code})`;
  return failed("http.port", `${host}:${port} ${what}`, advice[code] ?? "check http.host and http.port");
}

/** What the recorder that listens there says of itself; null where none does. */
export async function askReady(
  http: Config["http"],
  timeoutMs = 3000,
): Promise<{ ready: boolean; reasons: readonly string[] } | null> {
  try {
    const url = `http://${upstreamOf(http)}/health/ready`;
    const response = await boundedFetch(url, {}, { timeoutMs, maxBytes: 1024 * 1024 });
    const body: unknown = JSON.parse(response.text());
    if (typeof body !== "object" || body === null || !("ready" in body) || typeof body.ready !== "boolean") return null;
    const reasons = "reasons" in body && Array.isArray(body.reasons) ? body.reasons.map(String) : [];
    return { ready: body.ready, reasons };
  } catch {
    return null;
  }
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
    const advice = `${reached.advice ?? ""}. Many routers do not lead back into their own network: try it from a phone without Wi-Fi`;
    return [{ ...reached, state: "warning", advice }];
  }
  const url = `${publicUrl}/health/ready`;
  const found = [reached];
  if (publicUrl.startsWith("https:")) found.push(await certificate(publicUrl, patience));
  try {
    const bounds = { timeoutMs: patience.ms, maxBytes: statusBytes, statusOnly: true };
    const { status } = await boundedFetch(url, { method: "HEAD", signal: patience.signal }, bounds);
    const meanings: Readonly<Record<number, CheckFinding>> = {
      200: ok("public.page", `${publicUrl} leads to the recorder, and data flows`),
      503: warning("public.page", `${publicUrl} leads to the recorder, which is not ready`, "see http.port above"),
      404: failed(
        "public.page",
        `${publicUrl} leads to another server`,
        "is the nginx site enabled, and http.base_path the same?",
      ),
      502: failed(
        "public.page",
        "the proxy does not find the recorder",
        "does rt-data run, and has the site its port? rt-data ops nginx",
      ),
    };
    const advice = "see /var/log/nginx/error.log, and whether the name leads to this machine";
    found.push(meanings[status] ?? failed("public.page", `${publicUrl} answers HTTP ${status}`, advice));
  } catch (error) {
    const what = `${publicUrl} does not answer (${codeOf(error) ?? messageOf(error)})`;
    found.push(warning("public.page", what, "see /var/log/nginx/error.log, and try it from a phone without Wi-Fi"));
  }
  return found;
}

async function certificate(url: string, patience: ProbePatience): Promise<CheckFinding> {
  const { hostname, port } = new URL(url);
  const renew = "renew it: sudo certbot renew, and sudo nginx -t";
  const socket = connectTls({
    host: hostname,
    port: Number(port) || 443,
    servername: hostname,
    rejectUnauthorized: false,
  });
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", resolve);
        socket.once("error", reject);
      }),
      patience,
    );
    const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / 86_400_000);
    if (days < 0) return failed("public.certificate", `it ended ${-days} days ago`, renew);
    if (!socket.authorized)
      return failed(
        "public.certificate",
        `it is not to be trusted (${socket.authorizationError})`,
        `for ${hostname}: rt-data ops certbot`,
      );
    if (days < 14) return warning("public.certificate", `it ends in ${days} days`, renew);
    return ok("public.certificate", `good for ${days} days`);
  } catch (error) {
    return skipped("public.certificate", `no TLS there (${codeOf(error) ?? messageOf(error)})`);
  } finally {
    socket.destroy();
  }
}
