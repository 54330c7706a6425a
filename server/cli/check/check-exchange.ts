import { createClockOffsetMeter } from "../../binance/rest/clock-offset.ts";
import { askSymbols } from "../../binance/rest/exchange-info.ts";
import { createRestClient, type RestClient } from "../../binance/rest/rest-client.ts";
import { openConnection } from "../../binance/sockets/connection.ts";
import { addressesOf, hostOfAddress } from "../../binance/sockets/endpoint.ts";
import type { Config } from "../../config/config.ts";
import { createStream } from "../../domain/stream.ts";
import { ownSymbols } from "../../domain/symbols/shard.ts";
import { nearest } from "../../platform/did-you-mean.ts";
import { messageOf } from "../../platform/errors.ts";
import { certificateAdvice, foreignAnswer } from "../../platform/fetch/foreign-answer.ts";
import { routeTo, throughProxy } from "../../platform/fetch/proxy-route.ts";
import { silentLog } from "../../platform/log/log.ts";
import { within } from "../../platform/time/deadline.ts";
import { after } from "../../platform/time/timers.ts";
import { hasFilesOf } from "../../storage/list/recorded-symbol.ts";
import { clockDaemon } from "./check-machine.ts";
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

/** Checks the exchange step by step (name, connection, REST, symbols, first message), and this machine's clock against its clock. */
export const checkExchange: Probe = async (config, patience) => {
  const { rest_url, time_unit } = config.exchange;
  const [reached, streams] = await Promise.all([
    reach("exchange.reach", rest_url, "exchange.rest_url", patience),
    checkStreams(config, patience),
  ]);
  if (reached.state === "failed") {
    const why = "the exchange cannot be reached";
    return [reached, skipped("exchange.rest", why), skipped("exchange.symbols", why), ...streams, clockDaemon()];
  }
  const rest = createRestClient({ restUrl: rest_url, timeUnit: time_unit, timeoutMs: patience.ms }, { log: silentLog });
  try {
    const answer = await rest.get("/api/v3/ping", {}, { weight: 1, priority: "high", signal: patience.signal });
    if (answer.kind !== "ok") {
      const [problem = "", advice] = answer.kind === "failed" ? splitAdvice(answer.reason) : [answer.msg];
      const finding = failed("exchange.rest", problem, advice ?? "check exchange.rest_url");
      return [reached, finding, skipped("exchange.symbols", "REST does not answer"), ...streams, clockDaemon()];
    }
    if (!/^\s*\{\s*\}\s*$/.test(answer.text)) {
      const [problem = "", advice = ""] = splitAdvice(foreignAnswer("JSON that is not Binance's", "exchange.rest_url"));
      const finding = failed("exchange.rest", problem, advice);
      return [reached, finding, skipped("exchange.symbols", "REST does not answer"), ...streams, clockDaemon()];
    }
    const took = ok(
      "exchange.rest",
      `${hostOfAddress(rest_url)} answers in ${Math.round(answer.roundTripMs)} ms${throughProxy(routeTo(rest_url))}`,
    );
    return [
      reached,
      took,
      ...(await checkSymbols(config, rest, patience)),
      ...streams,
      ...(await checkClock(rest, patience)),
    ];
  } finally {
    rest.stop();
  }
};

/** Splits a reason of the client, which has the form "what happened; what to do". */
function splitAdvice(reason: string): [problem: string, advice?: string] {
  const at = reason.indexOf("; ");
  return at < 0 ? [reason] : [reason.slice(0, at), tlsAdvice(reason) ?? reason.slice(at + 2)];
}

function tlsAdvice(reason: string): string | null {
  if (!/certificate|self.signed|CERT_|TLS|SSL/i.test(reason)) return null;
  return certificateAdvice;
}

async function checkSymbols(config: Config, rest: RestClient, patience: ProbePatience): Promise<CheckFinding[]> {
  const symbols = ownSymbols(config.record);
  const asking = { rest, signal: patience.signal, nowUs: () => Date.now() * 1000 };
  const answer = await askSymbols(asking, symbols, new Set());
  if (answer === null) {
    return [failed("exchange.symbols", "the exchange does not send its list of symbols", "try again in a minute")];
  }
  const problems: CheckFinding[] = [];
  for (const symbol of symbols) {
    const status = answer.statuses.get(symbol);
    if (status === "TRADING") continue;
    if (status === undefined) {
      const problem = `the exchange describes ${symbol} in an unknown form`;
      problems.push(warning("exchange.symbols", problem, "try again in a minute; if it lasts, update rt-data"));
      continue;
    }
    if (status === null && hasFilesOf(config.record.data_dir, symbol)) {
      const name = answer.successors.get(symbol);
      const problem = `${symbol} was recorded here, and the exchange has delisted or renamed it`;
      const advice = name === undefined ? "remove it from record.symbols" : `write ${name} in record.symbols`;
      problems.push(failed("exchange.symbols", problem, `${advice}; its recordings stay`));
      continue;
    }
    const near = answer.all === null ? null : nearest(symbol, answer.all);
    const hint =
      near === null ? "correct or remove it in record.symbols" : `did you mean ${near}? Correct record.symbols`;
    problems.push(
      status === null
        ? failed("exchange.symbols", `the exchange does not know ${symbol}`, hint)
        : warning(
            "exchange.symbols",
            `${symbol} is not trading now (${status})`,
            "no action needed: recording starts when trading does",
          ),
    );
  }
  const good = symbols.length - problems.length;
  return good === 0
    ? problems
    : [ok("exchange.symbols", `${good} of ${symbols.length} symbols are trading`), ...problems];
}

/** Number of subscribed symbols: several, as a single quiet symbol must not look like a dead exchange. */
const mostAsked = 20;

async function checkStreams(config: Config, patience: ProbePatience): Promise<CheckFinding[]> {
  const { ws_url, ws_urls, time_unit: timeUnit } = config.exchange;
  const names = ownSymbols(config.record)
    .slice(0, mostAsked)
    .flatMap((symbol) => config.record.streams.map((type) => createStream(symbol, type).name));
  const findings = addressesOf(ws_url, ws_urls).map(async (wsUrl): Promise<CheckFinding> => {
    const key = wsUrl === ws_url ? "exchange.ws_url" : "exchange.ws_urls";
    const began = performance.now();
    const reason = await firstMessage({ wsUrl, names, timeUnit }, patience);
    const host = hostOfAddress(wsUrl);
    if (reason === null) {
      const took = Math.round(performance.now() - began);
      return ok("exchange.stream", `${host}: first message after ${took} ms${throughProxy(routeTo(wsUrl))}`);
    }
    const [problem, advice] = splitAdvice(reason);
    return failed(
      "exchange.stream",
      `${host}: ${problem}`,
      advice ?? tlsAdvice(problem) ?? `check ${key} and the network`,
    );
  });
  return Promise.all(findings);
}

/** Waits for a first message. Resolves with null when it arrives, else with the reason why it did not. */
async function firstMessage(
  subscription: Parameters<typeof openConnection>[0],
  patience: ProbePatience,
): Promise<string | null> {
  const end = Promise.withResolvers<string | null>();
  const nowUs = () => Date.now() * 1000;
  const connection = openConnection(
    subscription,
    { nowUs, after },
    {
      onOpen() {},
      onText: (text) => void (/^\{"stream":/.test(text) && end.resolve(null)),
      onBinary() {},
      onPing() {},
      onEnd: ({ reason }) => end.resolve(reason),
    },
  );
  try {
    return await within(end.promise, { what: "the connection is open, but no message arrived", ...patience });
  } catch (error) {
    return messageOf(error);
  } finally {
    connection.close();
  }
}

async function checkClock(rest: RestClient, patience: ProbePatience): Promise<CheckFinding[]> {
  const nowUs = () => Date.now() * 1000;
  const measured = Promise.withResolvers<{ offsetMs: number; boundMs: number }>();
  const meter = createClockOffsetMeter({ rest, nowUs, log: silentLog, onOffset: measured.resolve });
  meter.start();
  try {
    const { offsetMs, boundMs } = await answered(measured.promise, patience);
    const ahead = Math.abs(Math.round(offsetMs));
    const detail = `this machine's clock is ${ahead} ms ${offsetMs < 0 ? "behind" : "ahead of"} the exchange's (± ${Math.ceil(boundMs)} ms)`;
    const leastMs = Math.abs(offsetMs) - boundMs;
    const advice = "synchronise it by NTP: sudo apt install chrony, then: chronyc tracking";
    if (leastMs > 1000) return [failed("clock.offset", detail, advice), clockDaemon()];
    return [leastMs > 100 ? warning("clock.offset", detail, advice) : ok("clock.offset", detail), clockDaemon()];
  } catch {
    return [skipped("clock.offset", "the exchange does not answer with its time"), clockDaemon()];
  } finally {
    meter.stop();
  }
}
