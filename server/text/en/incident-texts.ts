import type { IncidentRule } from "../../domain/incident-rules.ts";

/** What is said of a rule's incidents. */
export type RuleWords = {
  /** What is the matter, as a phrase that can follow "over after 12 min: "; with and without subjects. */
  readonly title: string;
  readonly titleOf?: string;
  /** Instead of title and cost, where it is not critical. */
  readonly mild?: { readonly title: string; readonly cost: string };
  /** Name of the watched figure, where there is one. */
  readonly measure?: string;
  /** What it costs while it lasts. */
  readonly cost?: string;
  readonly advice?: string;
};

/** Rules in words. */
export type RuleWordTable = Readonly<Record<IncidentRule, RuleWords>>;

const rules: RuleWordTable = {
  disconnected: {
    title: "No connection to Binance",
    cost: "What Binance sends meanwhile is lost. Trades are fetched again afterwards, books cannot be.",
    mild: {
      title: "One of the connections to Binance is down",
      cost: "The streams on it are not being recorded, the rest goes on.",
    },
    advice: "It connects again by itself. If it lasts, look at this machine's network.",
  },
  reconnect_storm: {
    title: "The connection keeps breaking",
    measure: "Lately lost connections",
    cost: "Each break can cost a second or two of books.",
    advice: "Usually the line or a proxy. `rt-data check` shows how Binance is reached.",
  },
  stale: {
    title: "No data",
    titleOf: "No data from {subjects}",
    cost: "Nothing of it is being recorded, the rest goes on.",
    advice: "If it lasts, look whether Binance has halted or delisted it.",
  },
  gap: {
    title: "A gap in the recording",
    titleOf: "A gap in {subjects}",
    measure: "Length",
    advice: "/gaps lists it with its cause.",
  },
  delay: {
    title: "Data comes late",
    titleOf: "Late data from {subjects}",
    measure: "Delay",
    cost: "Everything is recorded, but the time stamps are worth less.",
    advice: "Usually a busy line. /delay shows it by symbol.",
  },
  clock_offset: {
    title: "This machine's clock is off",
    measure: "Offset",
    cost: "recv_us is off by as much in everything recorded now.",
    advice: "Look at the time service: `timedatectl`. Off by whole hours: the hardware clock holds local time.",
  },
  disk_low: {
    title: "The disk is nearly full",
    measure: "Free",
    cost: "Recording goes on as long as it can; merging days stops first, then sealing.",
    advice: "Free some space, or set archive.retention_days. /disk shows what takes it.",
  },
  disk_forecast: {
    title: "The disk will be full soon",
    measure: "Full in",
    advice: "Free some space, or set archive.retention_days, while there is time.",
  },
  memory: {
    title: "Memory is running short",
    measure: "In use",
    cost: "If it runs out, the system may end the recorder.",
    advice: "See what else runs on this machine, or record fewer symbols.",
  },
  cpu: {
    title: "The processor is at its limit",
    measure: "Load",
    cost: "Recording comes first; archives wait.",
    advice: "See what else runs on this machine.",
  },
  backlog: {
    title: "Compressing falls behind",
    measure: "Waiting",
    cost: "Nothing is lost, but the disk fills faster.",
    advice: "It catches up by itself when the processor has time; a lower archive.level helps.",
  },
  write_error: {
    title: "The disk does not take data",
    cost: "Records wait in memory; what does not fit there is lost and noted as a gap.",
    advice: "See that the disk is not full, mounted and writable.",
  },
  fault: {
    title: "A part of RT-Data fails",
    titleOf: "A part of RT-Data fails: {subjects}",
    measure: "Errors",
    cost: "Recording and all other parts go on.",
    advice: "/logs shows the error. If it stays, report it; a newer version may have it mended.",
  },
  verify_failed: {
    title: "An archive does not match its manifest",
    titleOf: "The archive of {subjects} does not match its manifest",
    advice: "Check it with `rt-data verify`; the bucket may still hold a good copy.",
  },
  crash_recovered: {
    title: "The recorder is back after a crash",
    measure: "Not running for",
    advice: "Its files are repaired; /gaps shows what is missing. /logs may say why.",
  },
  catalogue_away: {
    title: "The catalogue cannot be used",
    cost: "Recording goes on, and gaps are written down in the journal. History and archive lists may be incomplete until it is back.",
    advice: "End the program that locks rt-data.sqlite, or see what is wrong with the disk. It catches up by itself.",
  },
  retention: {
    title: "Many archives are due to be removed",
    measure: "Dates due",
    cost: "Seven dates go in an hour, so that you can look first. The rest waits on this disk.",
    advice:
      "To keep them, raise the limit in [archive] (retention_days, retention_gb, min_free_gb) and restart. If they should go, do nothing, or run `rt-data retention` with the recorder stopped.",
  },
  symbol_unknown: {
    title: "Binance does not know a symbol",
    titleOf: "Binance does not know {subjects}",
    cost: "Nothing of it is being recorded.",
    advice: "Misspelt or delisted: correct record.symbols and reload the config.",
  },
  upload: {
    title: "Archives are not being uploaded",
    measure: "Waiting",
    cost: "They stay on this disk until it works again.",
    advice: "Check endpoint, bucket and keys in [upload].",
  },
  upload_object: {
    title: "The bucket has a problem with an archive",
    titleOf: "The bucket has a problem with {subjects}",
    cost: "The other archives go on. This one stays on this disk until the bucket has it.",
    advice: "See who else writes to the bucket, and its locks and lifecycle rules.",
  },
  public_url: {
    title: "The page cannot be reached from outside",
    measure: "Certificate expires in",
    cost: "Recording is not affected.",
    advice: "Check the name in DNS, the proxy and its certificate.",
  },
};

/** The texts of incidents in English; `{…}` is filled in. */
export const incidentWordsEn = {
  rules,
  more: "{subjects} and {n} more",
  since: "Since {time} {zone}, for {duration}",
  over: "Over after {duration}: {title}",
  overLine: "{title}, {duration} from {time}",
  past: "At {time} {zone}",
  span: "{from}–{to} {zone}",
  figure: "{measure}: {value}",
  atWorst: "{measure}: {value} at worst",
  worst: "at worst {worst}",
  limit: "limit {limit}",
  lostSoFar: "Lost so far: {what}.",
  lost: "Lost: {what}.",
  records: "{n} records",
  about: "about {n} book updates",
  and: " and ",
  nothingLost: "No records lost.",
  flaps: "It came and went {n} times.",
  acknowledged: "Acknowledged by {by} at {time}; no more reminders.",
  muted: "Muted until {time}.",
  worse: "Worse: {title}",
  still: "Still: {title}, for {duration}",
  stillSeveral: "Still open:",
  overSeveral: "Over:",
  reply: "Over after {duration}.",
  late: "Telegram could not be reached from {from} to {to} {zone}.",
  lateUnknown: "I could not tell you earlier.",
  meanwhileOver: "Over again by now:",
  meanwhileOpen: "Still open (/alerts):",
  severalOpen: "{n} things at once:",
  andMore: "and {n} more",
  older: "and {n} older ones, of which I kept no note; the page lists them",
  moved:
    "This group has become a supergroup, and its id is now {id}. Please put that into telegram.chats instead of {old}.",
  acknowledge: "Acknowledge",
  mute1h: "Mute 1 h",
  mute8h: "Mute 8 h",
  pressedAcknowledge: "Acknowledged: no more reminders of it.",
  pressedMute: "Muted until {time}.",
  pressedOver: "That is over already.",
};

/** The texts of incidents. */
export type IncidentWords = Readonly<Omit<typeof incidentWordsEn, "rules">> & { readonly rules: RuleWordTable };
