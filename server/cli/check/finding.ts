import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { Config } from "../../config/config.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { type ProxyRoute, routeTo } from "../../platform/fetch/proxy-route.ts";
import { openTunnel, reachProxy } from "../../platform/fetch/tunnel.ts";
import { createDeadline, within } from "../../platform/time/deadline.ts";

/** The finding of a check. `advice` tells what to do, if anything. */
export type CheckFinding = {
  /** Group and subject, e.g. `clock.offset`. */
  readonly check: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly advice?: string;
};

/** Time limit of each check, ms, and a signal that ends all checks. */
export type ProbePatience = { readonly ms: number; readonly signal: AbortSignal };

/** A group of checks. Resolves within a bounded time; reports problems as findings, not by rejecting. */
export type Probe = (config: Config, patience: ProbePatience) => Promise<readonly CheckFinding[]>;

export function ok(check: string, detail: string): CheckFinding {
  return { check, state: "ok", detail };
}

export function warning(check: string, detail: string, advice: string): CheckFinding {
  return { check, state: "warning", detail, advice };
}

export function failed(check: string, detail: string, advice: string): CheckFinding {
  return { check, state: "failed", detail, advice };
}

export function skipped(check: string, detail: string): CheckFinding {
  return { check, state: "skipped", detail };
}

/** Waits for `work`. Rejects after the time limit, or when the process is asked to stop. */
export function answered<T>(work: Promise<T>, patience: ProbePatience): Promise<T> {
  return within(work, { what: "no answer", ...patience });
}

/** Resolves the host of a URL and connects to it. `name`: name of the check. `key`: the setting that holds the URL, for the advice. */
export async function reach(name: string, url: string, key: string, patience: ProbePatience): Promise<CheckFinding> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const isSecure = protocol === "https:" || protocol === "wss:";
  const number = Number(port) || (isSecure ? 443 : 80);
  const route = routeTo(url);
  if (route.kind === "unusable") return failed(name, route.problem, `correct or unset ${route.variable}`);
  if (route.kind === "proxy") return reachThrough(route, { name, target: `${hostname}:${number}`, isSecure }, patience);
  let address: string;
  try {
    ({ address } = await answered(lookup(host), patience));
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    return failed(
      name,
      `the name ${host} does not resolve (${code})`,
      `check ${key}, and this machine's name servers: resolvectl query ${host}`,
    );
  }
  const began = performance.now();
  try {
    await answered(opened(address, number, patience.ms), patience);
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    return failed(
      name,
      `cannot connect to ${host} (${address}) on port ${number} (${code})`,
      `check ${key}, and whether this machine's firewall and the network allow outgoing connections to port ${number}`,
    );
  }
  return ok(name, `connected to ${host} (${address}) in ${Math.round(performance.now() - began)} ms`);
}

/** Connects through a proxy. Plain HTTP is forwarded by the proxy itself, so only the proxy can be reached then. */
async function reachThrough(
  route: ProxyRoute,
  { name, target, isSecure }: { name: string; target: string; isSecure: boolean },
  { ms, signal }: ProbePatience,
): Promise<CheckFinding> {
  const deadline = createDeadline({ what: `no answer from ${route.name}`, ms, signal });
  const began = performance.now();
  try {
    const opening = isSecure ? openTunnel(route, target, deadline.signal) : reachProxy(route, deadline.signal);
    (await opening).destroy();
  } catch (error) {
    const [problem = "", advice] = messageOf(error).split(/; (.*)/);
    return failed(name, problem, advice ?? `check ${route.variable}, or add the host to NO_PROXY`);
  } finally {
    deadline.clear();
  }
  const took = Math.round(performance.now() - began);
  return ok(
    name,
    isSecure
      ? `connected to ${target} through ${route.name} in ${took} ms`
      : `connected to ${route.name} in ${took} ms`,
  );
}

function opened(host: string, port: number, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(ms, () => socket.destroy(new Error("no answer")));
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
