import { computed, useComputed } from "@preact/signals";
import type { Status } from "../../../../server/domain/status.ts";
import { bytes, duration, number } from "../../present/format.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { Tie } from "./tie.tsx";

/** A service that the recorder uses besides the exchange. `lamp`: "open" is well, "waiting" is not. */
type Service = {
  readonly name: string;
  readonly lamp: "open" | "waiting";
  readonly state: string;
  readonly detail: string;
  /** In the recorder's own words. */
  readonly problem: string | null;
};

const shown = ["telegram", "bot", "upload", "dataset", "shard"] as const;
type Kind = (typeof shown)[number];

const read: Readonly<Record<Kind, (status: Status) => Service | null>> = { telegram, bot, upload, dataset, shard };
const present = computed(() =>
  shown.filter((kind) => status.value !== null && read[kind](status.value) !== null).join(),
);

/** Rows of Telegram, the bucket, and the part of the symbols that this recorder takes, as far as they are set up. */
export function Services() {
  if (present.value === "") return null;
  return (
    <>
      {(present.value.split(",") as Kind[]).map((kind) => (
        <Row key={kind} kind={kind} />
      ))}
    </>
  );
}

function Row({ kind }: { kind: Kind }) {
  const service = useComputed(() => (status.value === null ? null : read[kind](status.value)));
  const of = (pick: (service: Service) => string | null) =>
    useComputed(() => (service.value === null ? "" : (pick(service.value) ?? "")));
  const texts = {
    state: of((one) => one.lamp),
    name: of((one) => one.name),
    since: of((one) => one.state),
    detail: of((one) => one.detail),
    problem: of((one) => one.problem),
  };
  return <Tie service={kind} texts={texts} />;
}

/** A count in words; empty for zero. */
function counted(name: "telegramWaiting" | "failuresCount", n: number): string {
  return n === 0 ? "" : t(name, { n: number(n) });
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

function telegram({ telegram: told, now_us }: Status): Service | null {
  if (told === null) return null;
  const isWell = told.state === "ok";
  const since = told.since_us === null ? "" : ` ${t("forTime", { time: duration((now_us - told.since_us) / 1e6) })}`;
  const words = { ok: t("telegramOk"), unreachable: t("serviceUnreachable"), refused: t("telegramRefused") };
  return {
    name: t("telegramAlerts"),
    lamp: isWell ? "open" : "waiting",
    state: `${words[told.state]}${since}`,
    detail: joined(
      t("telegramCounts", { chats: number(told.chats), sent: number(told.sent) }),
      counted("telegramWaiting", told.waiting),
    ),
    problem: told.last_error,
  };
}

function bot({ bot: one }: Status): Service | null {
  if (one === null) return null;
  const words = {
    connecting: t("stateConnecting"),
    listening: t("botListening"),
    conflict: t("botConflict"),
    refused: t("botRefused"),
    unreachable: t("serviceUnreachable"),
  };
  return {
    name: one.name === null ? t("bot") : `@${one.name}`,
    lamp: one.state === "listening" ? "open" : "waiting",
    state: words[one.state],
    detail: one.answered === 0 ? "" : t("botCounts", { answered: number(one.answered) }),
    problem: null,
  };
}

function upload({ upload: one }: Status): Service | null {
  if (one === null) return null;
  const [first] = one.objects ?? [];
  return {
    name: one.target,
    lamp: one.problem === null ? "open" : "waiting",
    state: one.archives_waiting === 0 ? t("uploadDone") : t("uploadWaiting", { n: number(one.archives_waiting) }),
    detail: joined(
      t("uploadCounts", { n: number(one.archives_uploaded), bytes: bytes(one.bytes_sent) }),
      counted("failuresCount", one.failures),
    ),
    problem: one.problem ?? (first === undefined ? null : `${first.subject}: ${first.problem}`),
  };
}

function dataset({ dataset: one }: Status): Service | null {
  if (one === null) return null;
  const [first] = one.days;
  const waiting = one.days_waiting + one.uploads_waiting;
  const problem = one.problem ?? (first === undefined ? null : `${first.subject}: ${first.problem}`);
  return {
    name: one.bucket === null ? t("dataset") : t("datasetIn", { bucket: one.bucket }),
    lamp: problem === null ? "open" : "waiting",
    state: waiting === 0 ? t("datasetDone") : t("datasetWaiting", { n: number(waiting) }),
    detail: joined(
      t("datasetCounts", { n: number(one.days_written), bytes: bytes(one.bytes_written) }),
      counted("failuresCount", one.failures),
    ),
    problem,
  };
}

function shard({ shard: part, symbols }: Status): Service | null {
  if (part === "1/1") return null;
  const [n = "", of = ""] = part.split("/");
  const detail = t("shardSymbols", { n: number(symbols.length) });
  return { name: t("shard"), lamp: "open", state: t("shardOf", { n, of }), detail, problem: null };
}
