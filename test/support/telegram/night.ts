import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import type { GapCause } from "../../../server/domain/gap.ts";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import { recordingState } from "../../../server/domain/incidents/recording-state.ts";
import type { Status, StreamStatus } from "../../../server/domain/status.ts";
import { createIncidents } from "../../../server/monitor/incidents.ts";
import type { Observation } from "../../../server/monitor/observation.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createBotApi } from "../../../server/telegram/api/bot-api.ts";
import { createNotifier } from "../../../server/telegram/notifier/notifier.ts";
import type { Language } from "../../../server/text/language.ts";
import { appConfig } from "../app-config.ts";
import { disksOf, fakeStatus } from "../fakes/fake-status.ts";
import { temporaryFolder } from "../folder.ts";
import { settle, token } from "./evening.ts";
import { createFakeTelegram, type SeenMessage } from "./fake-telegram.ts";

/** The state of the world while a problem lasts. */
export type World = {
  network: boolean;
  deadSymbol: string | null;
  /** Share of the disk that is in use. */
  diskUsed: number;
  delayMs: number;
};

/** What happens when, in minutes after 22:00 UTC. */
export type Script = readonly (readonly [minute: number, change: Partial<World> | "restart"])[];

const startUs = Date.parse("2026-11-24T22:00:00Z") * 1000;
const minuteUs = 60_000_000;

/** Records of the book that a stream loses in a second. */
const booksPerSecond = 10;

/** Lives through a night with the real incidents and the real notifier; returns what arrives on the phone, as text. */
export async function night(script: Script, minutes: number, language: Language, timeZone: string): Promise<string> {
  let us = startUs;
  const nowUs = () => us;
  const world: World = { network: true, deadSymbol: null, diskUsed: 0.7, delayMs: 110 };
  const since = { network: 0, dead: 0 };
  const catalogue = openCatalogue(temporaryFolder());
  const telegram = createFakeTelegram(token);
  telegram.script(() => {
    if (!world.network) throw new Error("getaddrinfo ENOTFOUND api.telegram.org");
    return null;
  });
  const { alerts } = appConfig({});
  const arrived: string[] = [];
  telegram.onSeen((kind, _, message) => {
    if (kind === "message") arrived.push(described(message, clock(us, timeZone)));
  });

  const begin = () => {
    const incidents = createIncidents(alerts, { kept: () => catalogue.incidents, nowUs, costOf, log: silentLog });
    const sender = createBotApi({ token, apiRoot: "http://telegram.test", fetch: telegram.fetch });
    const notifier = createNotifier(
      { chats: [42], language, host: "home-server", timeZone },
      {
        incidents,
        sender,
        store: () => catalogue.outgoing,
        recording: () => recordingState(observed(world, since, us).status, false),
        nowUs,
        log: silentLog,
      },
    );
    incidents.start();
    notifier.start();
    return { incidents, notifier };
  };

  /** Trades are backfilled as soon as possible; the number of missed books is unknown. */
  function costOf(incident: Incident, causes: readonly GapCause[]) {
    const seconds = ((incident.to_us ?? us) - incident.from_us) / 1e6;
    const streams = incident.rule === "disconnected" ? 3 : 1;
    if (!causes.includes("silent")) return { records_lost: null, records_lost_estimate: null };
    return { records_lost: 0, records_lost_estimate: Math.round(seconds * streams * booksPerSecond) };
  }

  let { incidents, notifier } = begin();
  for (let second = 0; second <= minutes * 60; second++) {
    us = startUs + second * 1e6;
    for (const [minute, change] of script) {
      if (second !== minute * 60) continue;
      if (change === "restart") {
        await notifier.stop(1000);
        ({ incidents, notifier } = begin());
      } else Object.assign(world, change);
    }
    if (world.network) since.network = us;
    if (world.deadSymbol === null) since.dead = us;
    if (second % 5 === 0) incidents.evaluate(observed(world, since, us));
    notifier.tick();
    await settle();
  }
  await notifier.stop(1000);
  await telegram.stop();
  catalogue.close();
  const chat = telegram.chat(42).filter(({ isDeleted }) => !isDeleted);
  const left = chat.map((message) => `${message.id}. ${message.text.replaceAll("\n", "\n   ")}\n`);
  return `# As it arrives\n\n${arrived.join("\n")}\n# What the chat shows in the morning\n\n${left.join("\n")}`;
}

function described({ id, silent, replyTo, text, buttons }: SeenMessage, at: string): string {
  const how = `${silent ? "silent" : "sound"}${replyTo === null ? "" : `, reply to ${replyTo}`}`;
  const shown = buttons.map((button) => `[${button.split("=")[0]}]`).join(" ");
  return `${at}  ${id}. (${how})\n   ${[text, ...(shown === "" ? [] : [shown])].join("\n").replaceAll("\n", "\n   ")}\n`;
}

function clock(us: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone }).format(us / 1000);
}

/** The world as the recorder sees it. */
function observed(world: World, since: { network: number; dead: number }, us: number): Observation {
  const plain = fakeStatus(Math.floor((us - startUs) / minuteUs), 3);
  const isDead = (symbol: string) => !world.network || symbol === world.deadSymbol;
  const lastUs = (symbol: string) => (!world.network ? since.network : symbol === world.deadSymbol ? since.dead : us);
  const stream = (symbol: string, one: StreamStatus): StreamStatus => ({
    ...one,
    last_recv_us: lastUs(symbol),
    gap: isDead(symbol) ? { cause: world.network ? "silent" : "exchange_down", from_us: lastUs(symbol) } : null,
  });
  const total = 1_000_000_000_000;
  const free = Math.round(total * (1 - world.diskUsed));
  const status: Status = {
    ...plain,
    now_us: us,
    started_us: startUs - 86_400e6,
    hardware: { ...plain.hardware, cpu_ratio: 0.2, process_memory_bytes: 96e6 },
    disks: disksOf(plain.disk && { ...plain.disk, free_bytes: free, total_bytes: total, full_in_s: null }),
    connections: plain.connections.map((one) => ({
      ...one,
      state: world.network ? "open" : "waiting",
      since_us: since.network,
      last_error: world.network ? null : "getaddrinfo ENOTFOUND stream.binance.com",
    })),
    symbols: plain.symbols.map((one) => ({
      ...one,
      delay_ms: isDead(one.symbol) ? null : world.delayMs,
      last_recv_us: lastUs(one.symbol),
      streams: one.streams.map((row) => stream(one.symbol, row)),
    })),
  };
  const quiet = {
    writeFailure: null,
    faults: [],
    removalsWaiting: null,
    reconnectsUs: [],
    gaps: [],
    crash: null,
    verified: [],
    publicUrl: null,
  };
  return { ...quiet, status, suggestions: new Map() };
}
