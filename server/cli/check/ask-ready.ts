import type { Config } from "../../config/config.ts";
import { healthProof, healthProofHeader } from "../../http/auth/health-proof.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { boundedFetch } from "../../platform/fetch/bounded-fetch.ts";
import { upstreamOf } from "../ops/ops-site.ts";

/** The address of the recorder, by its config. */
export type RecorderAddress = Pick<Config["http"], "host" | "port"> &
  Partial<Pick<Config["http"], "base_path" | "password_hash">>;

/** The answer of the recorder at an address. "absent": no recorder answers there; `problem` says what happened. */
export type ReadyAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "not ready"; readonly reasons: readonly string[] }
  | { readonly kind: "absent"; readonly problem: string };

/** Asks the recorder whether it is ready, without any proxy. Never throws for an answer; the reasons need the password's hash. */
export async function askReady(http: RecorderAddress, timeoutMs = 3000): Promise<ReadyAnswer> {
  const address = upstreamOf(http);
  const base = http.base_path === undefined || http.base_path === "/" ? "" : http.base_path;
  const headers: Record<string, string> = http.password_hash
    ? { [healthProofHeader]: healthProof(http.password_hash) }
    : {};
  try {
    const bounds = { timeoutMs, maxBytes: 1024 * 1024 };
    const response = await boundedFetch(`http://${address}${base}/health/ready`, { headers, proxy: false }, bounds);
    return readAnswer(response.status, response.text()) ?? absent(`${address} is in use by another program`);
  } catch (error) {
    if (codeOf(error) === "ECONNREFUSED") return absent(`no program listens on ${address}`);
    return absent(`no answer from ${address}: ${codeOf(error) ?? messageOf(error)}`);
  }
}

function absent(problem: string): ReadyAnswer {
  return { kind: "absent", problem };
}

/** Reads the answer; null if it is not a recorder's. */
function readAnswer(status: number, text: string): ReadyAnswer | null {
  if (status !== 200 && status !== 503) return null;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("ready" in body) || typeof body.ready !== "boolean") return null;
    if (body.ready) return { kind: "ready" };
    const reasons = "reasons" in body && Array.isArray(body.reasons) ? body.reasons.map(String) : [];
    return { kind: "not ready", reasons };
  } catch {
    return null;
  }
}
