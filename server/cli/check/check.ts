import type { Config } from "../../config/config.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { Command, Flags, Terminal } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { askReady } from "./ask-ready.ts";
import { tryChannels } from "./check-channels.ts";
import { checkDataset } from "./check-dataset.ts";
import { checkDisk } from "./check-disk.ts";
import { checkExchange } from "./check-exchange.ts";
import { checkData } from "./check-machine.ts";
import { checkServer } from "./check-server.ts";
import { checkAlerts, checkTelegram, checkUpload } from "./check-services.ts";
import { helloTelegram } from "./check-telegram.ts";
import { type CheckFinding, failed, ok, type Probe, warning } from "./finding.ts";

/** Groups of checks, in the order of the output. The group "exchange" also checks the clock, against the exchange's time. */
const probes: Readonly<Record<string, Probe>> = {
  config: async ({ file, warnings }) => [
    ok("config.file", file ?? "none; settings are defaults or come from the environment"),
    ...warnings.map(({ where, problem }) =>
      warning("config.environment", `${where} is ${problem}`, "correct or unset the variable"),
    ),
  ],
  data: checkData,
  disk: checkDisk,
  exchange: checkExchange,
  http: checkServer,
  upload: checkUpload,
  dataset: checkDataset,
  alerts: checkAlerts,
  telegram: checkTelegram,
};

const { "log-level": _, ...flagsOfSettings } = settingFlags;

/** `rt-data check` */
export const check: Command = {
  name: "check",
  summary: "check everything that recording needs, and print what to do about each problem",
  flags: {
    ...flagsOfSettings,
    only: { value: "A,B,…", help: `only these groups: ${Object.keys(probes).join(", ")}` },
    ready: { value: "SECONDS", help: "instead: wait until the recorder on http.port reports that data flows" },
    timeout: { value: "SECONDS", help: "time limit of each check (default 10)" },
    telegram: { value: null, help: "instead: check the bot's token, and print the id of each chat that writes to it" },
    channels: { value: null, help: "instead: send a test message to each [[alerts.channel]], and print the answers" },
    json: { value: null, help: "print the findings as JSON" },
  },
  examples: [
    ["rt-data check", "check everything; a recorder may be running"],
    ["rt-data check --only config --config new.toml", "check whether this file is valid"],
    ["rt-data check --telegram", "get a chat id: write to the bot, and the id appears here"],
    ["rt-data check --channels", "send a test message to each channel of the config"],
    ["rt-data check --ready 60", "exit code 0 as soon as data flows, 1 after a minute without data"],
  ],
  notes: ["Exit codes: 0 no failures (warnings may remain), 1 a check failed, 2 the config or a flag is invalid."],
  async run(flags, terminal) {
    const chosen = groupsOf(flags.only);
    const patience = { ms: secondsOf(flags, "timeout", 10) * 1000, signal: terminal.stop };
    let config: Config;
    try {
      config = configOf(flags);
    } catch (error) {
      if (!(error instanceof OperatorError) || flags.json === undefined) throw error;
      terminal.print(JSON.stringify([failed("config.file", messageOf(error), "correct it")]));
      return 2;
    }
    if (flags.telegram !== undefined) {
      const { token, chats, api_root: apiRoot } = config.telegram;
      return helloTelegram({ token, chats, apiRoot }, terminal);
    }
    if (flags.ready !== undefined) return waitUntilReady(config, flags, terminal);
    // All groups run at once; their findings are printed in order.
    const running =
      flags.channels === undefined
        ? chosen.map((group) => (probes[group] as Probe)(config, patience))
        : [tryChannels(config, patience.ms)];
    const findings: CheckFinding[] = [];
    for (const group of running) {
      const groupFindings = await group;
      findings.push(...groupFindings);
      if (flags.json === undefined) for (const line of groupFindings.flatMap(findingLines)) terminal.print(line);
    }
    terminal.print(flags.json === undefined ? summaryOf(findings) : JSON.stringify(findings));
    return findings.some(({ state }) => state === "failed") ? 1 : 0;
  },
};

function groupsOf(only: string | undefined): readonly string[] {
  const all = Object.keys(probes);
  if (only === undefined) return all;
  const words = only.split(",").map((word) => word.trim());
  const unknownWord = words.find((word) => !all.includes(word));
  if (unknownWord === undefined) return all.filter((group) => words.includes(group));
  throw new OperatorError(
    `--only "${unknownWord}" is not accepted${didYouMean(unknownWord, all)}; give some of ${all.join(", ")}`,
  );
}

/** Interval of the requests to a starting recorder, ms. */
const askEveryMs = 250;

async function waitUntilReady(config: Config, flags: Flags, terminal: Terminal): Promise<number> {
  const seconds = secondsOf(flags, "ready", 0);
  if (config.http.port === 0)
    throw new OperatorError("http.port is 0 (any free port), so the recorder's port is unknown; set http.port");
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await askReady(config.http);
    const ready = answer.kind === "ready";
    if (ready || performance.now() >= end || terminal.stop.aborted) {
      const missing = [`no recorder answers on port ${config.http.port}`];
      const reasons = answer.kind === "ready" ? [] : answer.kind === "absent" ? missing : answer.reasons;
      if (flags.json !== undefined) terminal.print(JSON.stringify({ ready, reasons }));
      else terminal.print(ready ? "ready: data flows" : `not ready within ${seconds} s: ${reasons.join("; ")}`);
      return ready ? 0 : 1;
    }
    await Bun.sleep(askEveryMs);
  }
}

function secondsOf(flags: Flags, name: "ready" | "timeout", fallback: number): number {
  const word = flags[name];
  if (word === undefined) return fallback;
  const seconds = Number(word);
  if (word.trim() !== "" && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new OperatorError(`--${name} ${JSON.stringify(word)} is not accepted; give seconds from 0 to 86400`);
}

const marks: Readonly<Record<CheckFinding["state"], string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "-" };

/** Width of the column of names; all names fit. */
const width = 20;

/** Formats a finding as text: a line, and a second line with the advice. */
function findingLines({ check, state, detail, advice }: CheckFinding): readonly string[] {
  const line = `${marks[state]} ${check.padEnd(width)} ${detail}`;
  return advice === undefined ? [line] : [line, `${" ".repeat(width + 2)} → ${advice}`];
}

/** Formats the summary, e.g. "2 failed, 1 warning, 12 ok". */
export function summaryOf(findings: readonly CheckFinding[]): string {
  const count = (state: CheckFinding["state"]) => findings.filter((finding) => finding.state === state).length;
  const [failures, warnings] = [count("failed"), count("warning")];
  const warningText = warnings === 0 ? "" : `, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  const failureText = failures === 0 ? "no check failed" : `${failures} failed`;
  return `\n${failureText}${warningText}, ${count("ok")} ok`;
}
