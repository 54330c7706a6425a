import type { Status } from "../../../domain/status.ts";
import { shortage, type VolumeStatus } from "../../../domain/storage-status.ts";
import { bytes, count, duration, percent } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type Ask, asOf, type BotCommand, go, rows, waitingSegments } from "../command.ts";

const phrases = texts({
  en: {
    diskFree: "{free} of {total} free ({share} used)",
    diskForecast: "full in {time} at this pace",
    diskSteady: "no end in sight",
    diskLow: "Days are not merged until there is room.",
    diskVeryLow: "Segments are not compressed until there is room.",
    diskFull: "The disk is full: records wait in memory.",
    archived: "Archived since the start: {n} {n|day|days}",
    archivedWaiting: "Archived since the start: {n} {n|day|days}, {waiting} waiting",
    lastArchive: "Last: {name}, {rows} {rows|row|rows}, {size}",
    noArchive: "The first archive follows after midnight UTC.",
    archiveFailure: "Last failure: {reason}",
    uploaded: "Uploaded: {n}",
    uploadsWaiting: "{n} waiting",
    uploadsUnconfirmed: "{n} to be confirmed",
    uploadProblem: "Upload: {problem}",
  },
  ko: {
    diskFree: "{total} 중 {free} 남음 ({share} 사용)",
    diskForecast: "이 속도면 {time} 후 가득 찹니다",
    diskSteady: "가득 찰 걱정 없음",
    diskLow: "공간이 생길 때까지 날짜를 병합하지 않습니다.",
    diskVeryLow: "공간이 생길 때까지 세그먼트를 압축하지 않습니다.",
    diskFull: "디스크가 가득 차서 레코드가 메모리에서 기다립니다.",
    archived: "아카이브: 시작 후 {n}일치",
    archivedWaiting: "아카이브: 시작 후 {n}일치, {waiting}일치 대기",
    lastArchive: "최근: {name}, {rows}행, {size}",
    noArchive: "첫 아카이브는 UTC 자정 이후에 만들어집니다.",
    archiveFailure: "최근 실패: {reason}",
    uploaded: "업로드: {n}개",
    uploadsWaiting: "{n}개 대기",
    uploadsUnconfirmed: "{n}개 확인 전",
    uploadProblem: "업로드: {problem}",
  },
});

/** Longest failure text, characters. */
const mostReason = 300;

/** `/disk` */
export const diskCommand: BotCommand = {
  name: "disk",
  about: { en: "disk, archives, upload", ko: "디스크, 아카이브, 업로드" },
  create:
    ({ status }) =>
    (ask) => {
      const now = status();
      const html = [...spaceOf(now, ask), ...archivesOf(now, ask), ...uploadOf(now, ask), asOf(now.now_us, ask)];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${ask.say.refresh}`, "disk")) };
    },
};

function spaceOf({ hardware, disk, disks }: Status, { language }: Ask): string[] {
  const { disk_free_bytes: free, disk_total_bytes: total } = hardware;
  const used = total === 0 ? 0 : 1 - free / total;
  const level = disk?.level ?? "ok";
  const words = {
    ok: null,
    low: phrases[language].diskLow,
    very_low: phrases[language].diskVeryLow,
    full: phrases[language].diskFull,
  }[level];
  const shown = { free: bytes(free, language), total: bytes(total, language), share: percent(used, language) };
  const forecast =
    disk?.full_in_s == null
      ? phrases[language].diskSteady
      : fill(phrases[language].diskForecast, { time: duration(disk.full_in_s * 1e6, language) });
  const head = `${level === "ok" ? "💽" : "🔴"} <b>${fill(phrases[language].diskFree, shown)}</b>`;
  const lines = [head, bar(used), ...(words === null ? [] : [words]), forecast];
  return [...lines, ...disks.flatMap((disk) => volumeOf(disk, disks.length, language)), ""];
}

/** Describes a file system if there are several, or the problem of the only one. */
function volumeOf(disk: VolumeStatus, all: number, language: Ask["language"]): string[] {
  const { name, problem, free_bytes: free, total_bytes: total } = disk;
  if (problem !== null) return [`🔴 ${name}: ${escapeHtml(cut(problem, mostReason))}`];
  const short = disk.scarce === "inodes" ? shortage(disk) : null;
  if (all === 1 && short === null) return [];
  const room = `${bytes(free, language)} / ${bytes(total, language)}`;
  return [
    `${short === null && disk.level === "ok" ? "💽" : "🔴"} ${name}: ${room}${short === null ? "" : `, ${short}`}`,
  ];
}

/** Draws a bar of twenty fields; used fields are dark. */
function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * 20);
  return `<code>${"█".repeat(full)}${"░".repeat(20 - full)}</code>`;
}

function archivesOf({ archive }: Status, ask: Ask): string[] {
  const { language } = ask;
  const { last_archive: last, last_failure: failure } = archive;
  const name = last === null ? "" : `${last.symbol} ${last.stream} ${last.date}`;
  return [
    fill(archive.days_waiting === 0 ? phrases[language].archived : phrases[language].archivedWaiting, {
      n: count(archive.days_merged, language),
      waiting: count(archive.days_waiting, language),
    }),
    last === null
      ? phrases[language].noArchive
      : fill(phrases[language].lastArchive, {
          name,
          rows: count(last.rows, language),
          size: bytes(last.compressed_bytes, language),
        }),
    `${ask.say.waitingSegments}: ${waitingSegments(archive, ask)}`,
    ...(failure === null
      ? []
      : [`⚠️ ${fill(phrases[language].archiveFailure, { reason: escapeHtml(cut(failure, mostReason)) })}`]),
  ];
}

function uploadOf({ upload }: Status, { language }: Ask): string[] {
  if (upload === null) return [];
  const { uploaded, uploadsWaiting, uploadsUnconfirmed } = phrases[language];
  const { archives_uploaded, archives_waiting, archives_unconfirmed } = upload;
  const counted = (text: string, n: number) => fill(text, { n: count(n, language) });
  const counts = [
    counted(uploaded, archives_uploaded),
    ...(archives_waiting > 0 ? [counted(uploadsWaiting, archives_waiting)] : []),
    ...(archives_unconfirmed > 0 ? [counted(uploadsUnconfirmed, archives_unconfirmed)] : []),
  ];
  const [first] = upload.objects ?? [];
  const problem = upload.problem ?? (first === undefined ? null : `${first.subject}: ${first.problem}`);
  const trouble =
    problem === null
      ? []
      : [`⚠️ ${fill(phrases[language].uploadProblem, { problem: escapeHtml(cut(problem, mostReason)) })}`];
  return [counts.join(", "), ...trouble];
}
