import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { Config } from "../../config/config.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";

/** What one check found. `advice` says what to do, where something is to be done. */
export type CheckFinding = {
  /** `clock.offset`: the group, then what of it. */
  readonly check: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly advice?: string;
};

/** How long any one question may take, ms, and what ends all of them. */
export type ProbePatience = { readonly ms: number; readonly signal: AbortSignal };

/** One group of checks. Resolves within a bounded time; never rejects for what it is there to find. */
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

/** Rejects when the patience is at its end, or the process is asked to stop. */
export function within<T>(work: Promise<T>, { ms, signal }: ProbePatience): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (reason: string) => () => reject(new Error(reason));
    const timer = setTimeout(give(`no answer within ${ms / 1000} s`), ms);
    const onAbort = give("stopped");
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    });
  });
}

/** Name and connection of the server of an URL, in the order in which they can fail; empty-handed once one has. `name` is the group. */
export async function reach(name: string, url: string, key: string, patience: ProbePatience): Promise<CheckFinding> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const number = Number(port) || (protocol === "https:" || protocol === "wss:" ? 443 : 80);
  let address: string;
  try {
    ({ address } = await within(lookup(host), patience));
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
    await within(opened(address, number, patience.ms), patience);
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    return failed(
      name,
      `${host} (${address}) takes no connection on port ${number} (${code})`,
      `check ${key}, this machine's firewall and the network: is port ${number} allowed to go out?`,
    );
  }
  return ok(name, `${host} is ${address}, connected in ${Math.round(performance.now() - began)} ms`);
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
