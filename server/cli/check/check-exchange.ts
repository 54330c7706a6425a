import { createClockOffsetMeter } from "../../binance/rest/clock-offset.ts";
import { askStatuses } from "../../binance/rest/exchange-info.ts";
import { createRestClient, type RestClient } from "../../binance/rest/rest-client.ts";
import { openConnection } from "../../binance/sockets/connection.ts";
import { addressesOf, hostOfAddress } from "../../binance/sockets/endpoint.ts";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/shard.ts";
import { createStream } from "../../domain/stream.ts";
import { nearest } from "../../platform/did-you-mean.ts";
import { certificateAdvice, foreignAnswer } from "../../platform/fetch/foreign-answer.ts";
import { silentLog } from "../../platform/log/log.ts";
import { after } from "../../platform/time/timers.ts";
import { clockDaemon } from "./check-machine.ts";
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

/** The exchange, step by step: name, connection, REST, symbols, first message of a stream; and this clock against its clock. */
export const checkExchange: Probe = async (config, patience) => {
  const { rest_url } = config.exchange;
  const [reached, streams] = await Promise.all([
    reach("exchange.reach", rest_url, "exchange.rest_url", patience),
    checkStreams(config, patience),
  ]);
  if (reached.state === "failed") {
    const why = "the exchange cannot be reached";
    return [reached, skipped("exchange.rest", why), skipped("exchange.symbols", why), ...streams, clockDaemon()];
  }
  const rest = createRestClient({ restUrl: rest_url, timeoutMs: patience.ms }, { log: silentLog });
  try {
    const answer = await rest.get("/api/v3/ping", {}, { weight: 1, priority: "high", signal: patience.signal });
    if (answer.kind !== "ok") {
      const [what = "", advice] = answer.kind === "failed" ? splitAdvice(answer.reason) : [answer.msg];
      const found = failed("exchange.rest", what, advice ?? "check exchange.rest_url");
      return [reached, found, skipped("exchange.symbols", "REST does not answer"), ...streams, clockDaemon()];
    }
    if (!/^\s*\{\s*\}\s*$/.test(answer.text)) {
      const [what = "", advice = ""] = splitAdvice(foreignAnswer("JSON that is not Binance's", "exchange.rest_url"));
      const found = failed("exchange.rest", what, advice);
      return [reached, found, skipped("exchange.symbols", "REST does not answer"), ...streams, clockDaemon()];
    }
    const took = ok("exchange.rest", `${hostOfAddress(rest_url)} answers in ${Math.round(answer.roundTripMs)} ms`);
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

/** Reasons of the client are written as "what happened; what to do". */
function splitAdvice(reason: string): [what: string, advice?: string] {
  const at = reason.indexOf("; ");
  return at < 0 ? [reason] : [reason.slice(0, at), tlsAdvice(reason) ?? reason.slice(at + 2)];
}

function tlsAdvice(reason: string): string | null {
  if (!/certificate|self.signed|CERT_|TLS|SSL/i.test(reason)) return null;
  return certificateAdvice;
}

async function checkSymbols(config: Config, rest: RestClient, patience: ProbePatience): Promise<CheckFinding[]> {
  const symbols = ownSymbols(config.record);
  const found = await askStatuses(rest, symbols, { doubtful: new Set(), signal: patience.signal });
  if (found === null) {
    return [failed("exchange.symbols", "the exchange does not say which symbols there are", "try again in a minute")];
  }
  const strange: CheckFinding[] = [];
  for (const symbol of symbols) {
    const status = found.statuses.get(symbol) ?? null;
    if (status === "TRADING") continue;
    const near = found.all === null ? null : nearest(symbol, found.all);
    const hint =
      near === null ? "correct or remove it in record.symbols" : `did you mean ${near}? Correct record.symbols`;
    strange.push(
      status === null
        ? failed("exchange.symbols", `the exchange does not know ${symbol}`, hint)
        : warning("exchange.symbols", `${symbol} is not traded now (${status})`, "nothing: it is recorded once it is"),
    );
  }
  const good = symbols.length - strange.length;
  return good === 0 ? strange : [ok("exchange.symbols", `${good} of ${symbols.length} symbols are traded`), ...strange];
}

/** Symbols asked for a first message; one that is quiet must not be taken for a dead exchange. */
const mostAsked = 20;

async function checkStreams(config: Config, patience: ProbePatience): Promise<CheckFinding[]> {
  const { ws_url, ws_urls } = config.exchange;
  const names = ownSymbols(config.record)
    .slice(0, mostAsked)
    .flatMap((symbol) => config.record.streams.map((type) => createStream(symbol, type).name));
  const asked = addressesOf(ws_url, ws_urls).map(async (wsUrl): Promise<CheckFinding> => {
    const key = wsUrl === ws_url ? "exchange.ws_url" : "exchange.ws_urls";
    const began = performance.now();
    const reason = await firstMessage(wsUrl, names, patience);
    const host = hostOfAddress(wsUrl);
    if (reason === null)
      return ok("exchange.stream", `${host}: first message after ${Math.round(performance.now() - began)} ms`);
    const [what, advice] = splitAdvice(reason);
    return failed("exchange.stream", `${host}: ${what}`, advice ?? tlsAdvice(what) ?? `check ${key} and the network`);
  });
  return Promise.all(asked);
}

/** Null once a message has come, otherwise why none did. */
function firstMessage(wsUrl: string, names: readonly string[], patience: ProbePatience): Promise<string | null> {
  return new Promise((resolve) => {
    const finish = (reason: string | null) => {
      connection.close();
      resolve(reason);
    };
    const nowUs = () => Date.now() * 1000;
    const connection = openConnection(
      { wsUrl, names },
      { nowUs, after },
      {
        onOpen() {},
        onText: (text) => void (/^\{"stream":/.test(text) && finish(null)),
        onBinary() {},
        onPing() {},
        onEnd: ({ reason }) => finish(reason),
      },
    );
    void within(new Promise<never>(() => {}), patience).catch(() =>
      finish(`it is open, but sends nothing for ${patience.ms / 1000} s`),
    );
  });
}

async function checkClock(rest: RestClient, patience: ProbePatience): Promise<CheckFinding[]> {
  const nowUs = () => Date.now() * 1000;
  const measured = Promise.withResolvers<{ offsetMs: number; boundMs: number }>();
  const meter = createClockOffsetMeter({ rest, nowUs, log: silentLog, onOffset: measured.resolve });
  meter.start();
  try {
    const { offsetMs, boundMs } = await within(measured.promise, patience);
    const ahead = Math.abs(Math.round(offsetMs));
    const what = `this clock is ${ahead} ms ${offsetMs < 0 ? "behind" : "ahead of"} the exchange's (give or take ${Math.ceil(boundMs)} ms)`;
    const surely = Math.abs(offsetMs) - boundMs;
    const advice = "let it be kept by NTP: sudo apt install chrony, then: chronyc tracking";
    if (surely > 1000) return [failed("clock.offset", what, advice), clockDaemon()];
    return [surely > 100 ? warning("clock.offset", what, advice) : ok("clock.offset", what), clockDaemon()];
  } catch {
    return [skipped("clock.offset", "the exchange does not tell its time"), clockDaemon()];
  } finally {
    meter.stop();
  }
}
