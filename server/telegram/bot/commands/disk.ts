import { shortage, type VolumeStatus } from "../../../domain/disk-status.ts";
import type { Status } from "../../../domain/status.ts";
import { bytes, count, duration, percent } from "../../../text/amounts.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type Ask, asOf, type BotCommand, fill, go, rows, type Sources } from "./command.ts";

/** Longest text of a failure that is shown. */
const mostReason = 300;

/** `/disk` */
export function diskCommand({ status }: Sources): BotCommand {
  return {
    name: "disk",
    run(ask) {
      const now = status();
      const html = [...spaceOf(now, ask), ...archivesOf(now, ask), ...uploadOf(now, ask), asOf(now.now_us, ask)];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${ask.say.refresh}`, "disk")) };
    },
  };
}

function spaceOf({ hardware, disk, disks }: Status, { say, language }: Ask): string[] {
  const { disk_free_bytes: free, disk_total_bytes: total } = hardware;
  const used = total === 0 ? 0 : 1 - free / total;
  const level = disk?.level ?? "ok";
  const words = { ok: null, low: say.diskLow, very_low: say.diskVeryLow, full: say.diskFull }[level];
  const shown = { free: bytes(free, language), total: bytes(total, language), share: percent(used, language) };
  const forecast =
    disk?.full_in_s == null
      ? say.diskSteady
      : fill(say.diskForecast, { time: duration(disk.full_in_s * 1e6, language) });
  const head = `${level === "ok" ? "💽" : "🔴"} <b>${fill(say.diskFree, shown)}</b>`;
  const lines = [head, bar(used), ...(words === null ? [] : [words]), forecast];
  return [...lines, ...disks.flatMap((one) => volumeOf(one, disks.length, language)), ""];
}

/** A file system beside the others, or what is wrong with the only one. */
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

/** Twenty fields, of which the used ones are dark. */
function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * 20);
  return `<code>${"█".repeat(full)}${"░".repeat(20 - full)}</code>`;
}

function archivesOf({ archive }: Status, { say, language }: Ask): string[] {
  const { last_archive: last, last_failure: failure } = archive;
  const name = last === null ? "" : `${last.symbol} ${last.stream} ${last.date}`;
  return [
    fill(say.archived, { n: count(archive.days_merged, language), waiting: count(archive.days_waiting, language) }),
    last === null
      ? say.noArchive
      : fill(say.lastArchive, { name, rows: count(last.rows, language), size: bytes(last.compressed_bytes, language) }),
    `${say.waitingSegments}: ${fill(say.segments, { n: count(archive.segments_waiting, language) })}`,
    ...(failure === null ? [] : [`⚠️ ${fill(say.archiveFailure, { reason: escapeHtml(cut(failure, mostReason)) })}`]),
  ];
}

function uploadOf({ upload }: Status, { say, language }: Ask): string[] {
  if (upload === null) return [];
  const counts = {
    n: count(upload.archives_uploaded, language),
    waiting: count(upload.archives_waiting, language),
    unconfirmed: count(upload.archives_unconfirmed, language),
  };
  const [first] = upload.objects ?? [];
  const problem = upload.problem ?? (first === undefined ? null : `${first.subject}: ${first.problem}`);
  const trouble =
    problem === null ? [] : [`⚠️ ${fill(say.uploadProblem, { problem: escapeHtml(cut(problem, mostReason)) })}`];
  return [fill(say.uploaded, counts), ...trouble];
}
