import type { ComponentChildren } from "preact";
import { number } from "../../present/format.ts";
import { t } from "../../words/i18n.ts";

/** The table of archives: days, and their files. */
export function ArchiveTable({ children }: { children: ComponentChildren }) {
  return (
    <table class="tbl archives">
      <thead>
        <tr>
          <th scope="col">{t("dayColumn")}</th>
          <th scope="col">{t("coverage")}</th>
          <th scope="col" class="o">
            {t("files")}
          </th>
          <th scope="col" class="r o">
            {t("rows")}
          </th>
          <th scope="col" class="r">
            {t("size")}
          </th>
          <th scope="col" class="r o">
            {t("ratio")}
          </th>
          <th scope="col" class="o">
            {t("state")}
          </th>
          <th scope="col">
            <span class="unseen">{t("download")}</span>
          </th>
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** Raw bytes for each compressed byte. */
export function ratioOf({ raw_bytes, compressed_bytes }: { raw_bytes: number; compressed_bytes: number }): number {
  return compressed_bytes > 0 ? raw_bytes / compressed_bytes : 0;
}

/** `6 files` */
export function filesText(files: number): string {
  return t(files === 1 ? "fileOne" : "filesCount", { n: number(files) });
}
