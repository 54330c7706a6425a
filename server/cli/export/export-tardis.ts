import { dirname } from "node:path";
import { createDiffBook, createPartialBook } from "../../export/market/followed-book.ts";
import { createRecordParser } from "../../export/market/market-record.ts";
import { createTardisFiles } from "../../export/tardis/tardis-files.ts";
import { createTardisRows } from "../../export/tardis/tardis-rows.ts";
import type { ExportDeps, ExportJob, ExportResult, TardisJob } from "./export-plan.ts";
import { ended, isBook, leadOf, progressOf, readRecords, unknownBook } from "./record-reading.ts";

/** Writes a symbol's day as CSV files in the form of Tardis' datasets. All types are made in one reading. */
export async function exportTardis(
  job: ExportJob,
  { symbol, date, book: type, types }: TardisJob,
  deps: ExportDeps & { readonly isRefused: () => boolean },
): Promise<ExportResult> {
  const { range } = job;
  const files = createTardisFiles(dirname(job.path), { types, date, symbol });
  try {
    const book = type?.kind === "diffDepth" ? createDiffBook() : createPartialBook();
    const rows = createTardisRows({ symbol, types, fromUs: range.fromUs, book }, files.add);
    const share = progressOf(range, Math.min(range.toUs, Date.now() * 1000));
    const isRead = await readRecords(
      {
        tracks: job.tracks,
        parserOf: (type) => createRecordParser(type, isBook(type) ? leadOf(range) : range.fromUs),
        ...{ fromUs: leadOf(range), toUs: range.toUs, take: rows.take, isRefused: deps.isRefused },
        onProgress: (recvUs) => deps.onProgress(share(recvUs)),
      },
      deps,
    );
    if (!isRead) return ended(job, deps);
    if (type !== null && !rows.hadBook()) throw unknownBook({ symbol, date, book: type }, "--types trades");
    const written = await files.finish();
    const sum = (of: (file: (typeof written)[number]) => number) =>
      written.reduce((total, file) => total + of(file), 0);
    return { kind: "written", rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes), files: written };
  } finally {
    files.discard();
  }
}
