import { loadSome } from "../config/config.ts";
import { OperatorError } from "../platform/errors.ts";
import { askReady, type ReadyAnswer, type RecorderAddress } from "./check/ask-ready.ts";
import type { Command } from "./framework/command.ts";
import { overridesOf, settingFlags } from "./framework/config-flags.ts";

/** Longest accepted time limit, s. */
const mostSeconds = 300;

/** `rt-data health` */
export const health: Command = {
  name: "health",
  summary: "ask the running recorder whether data flows: for containers and scripts",
  flags: {
    ...Object.fromEntries(["config", "host", "port"].flatMap((name) => flagOf(name))),
    timeout: { value: "SECONDS", help: "time limit for the answer (default 5)" },
    json: { value: null, help: "as JSON: {healthy, running, reasons}" },
  },
  examples: [
    ["rt-data health", "the recorder of the config in force; prints one line"],
    ["rt-data health --port 8001 --json", "another port, for programs"],
  ],
  notes: [
    "Exit codes: 0 data flows, 1 no data or no recorder, 2 a flag is invalid. Needs no password. Asks the address in http.host,",
    "http.port and http.base_path; other settings may be invalid. rt-data check finds the causes.",
  ],
  async run(flags, { print }) {
    const timeoutMs = secondsOf(flags.timeout) * 1000;
    const answer = await ask(flags, timeoutMs);
    if (flags.json === undefined) print(sentenceOf(answer));
    else print(JSON.stringify(jsonOf(answer)));
    return answer.kind === "ready" ? 0 : 1;
  },
};

async function ask(flags: Parameters<Command["run"]>[0], timeoutMs: number): Promise<ReadyAnswer> {
  const names = ["http.host", "http.port", "http.base_path"];
  const { host, port } = flags;
  const overrides = overridesOf({ host, port });
  const file = flags.config ?? null;
  const loaded = loadSome(names, file, overrides);
  if (!loaded.ok) {
    const problems = loaded.problems.map(({ where, problem }) => `${where}: ${problem}`);
    return { kind: "absent", problem: `the recorder's address is unknown: ${problems.join("; ")}` };
  }
  const [givenHost, givenPort, basePath] = loaded.values;
  const address: RecorderAddress = { host: String(givenHost), port: Number(givenPort), base_path: String(basePath) };
  if (address.port === 0) {
    return {
      kind: "absent",
      problem: "http.port is 0 (any free port), so the recorder's port is unknown; set http.port",
    };
  }
  // Without the hash, whose file others may not read, only the reasons are missing.
  const secret = loadSome(["http.password_hash"], file, overrides);
  return askReady({ ...address, password_hash: secret.ok ? String(secret.values[0]) : "" }, timeoutMs);
}

/** Says in one line whether the recorder is well. */
function sentenceOf(answer: ReadyAnswer): string {
  if (answer.kind === "ready") return "healthy: data flows";
  if (answer.kind === "absent") return oneLine(`not running: ${answer.problem}`);
  const unknown = "the reasons are for those who are logged in; see the recorder's log";
  return oneLine(`not ready: ${answer.reasons.length === 0 ? unknown : answer.reasons.join("; ")}`);
}

function jsonOf(answer: ReadyAnswer): { healthy: boolean; running: boolean; reasons: readonly string[] } {
  const reasons = answer.kind === "ready" ? [] : answer.kind === "absent" ? [answer.problem] : answer.reasons;
  return { healthy: answer.kind === "ready", running: answer.kind !== "absent", reasons };
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}

function flagOf(name: string): [string, (typeof settingFlags)[string]][] {
  const flag = settingFlags[name];
  return flag === undefined ? [] : [[name, flag]];
}

function secondsOf(word = "5"): number {
  const seconds = Number(word);
  if (word.trim() !== "" && seconds > 0 && seconds <= mostSeconds) return seconds;
  throw new OperatorError(
    `--timeout ${JSON.stringify(word)} is not accepted; give seconds, more than 0 and at most ${mostSeconds}`,
  );
}
