import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { CoverageTable } from "../../../server/domain/queries.ts";
import { api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { dayPath, follow, go } from "../browser/route.ts";
import { watchVisible } from "../browser/visible.ts";
import { StreamChoice } from "../components/book/stream-choice.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { coverageLevel } from "../present/coverage-level.ts";
import { coveragePercent } from "../present/format.ts";
import { addDays, dateName, dateOf, weekday } from "../present/time.ts";
import { t } from "../words/i18n.ts";

/** Days beside each other, and how far a step goes. */
const span = 31;
const renewMs = 60_000;

/** How much of each symbol's days was recorded. */
export function CoverageView() {
  const last = useSignal<string | null>(null);
  const stream = useSignal("");
  const filter = useSignal("");
  const to = last.value ?? dateOf(Date.now() * 1000);
  const from = addDays(to, 1 - span);
  const query = { from, to, ...(stream.value === "" ? {} : { stream: stream.value }) };
  const table = useResource(`${from} ${to} ${stream.value}`, renewMs, () =>
    ask(api.api.coverage.get({ query, ...patience() })),
  );
  const shown = table.value.value;
  const step = (days: number) => {
    const next = addDays(to, days);
    last.value = next >= dateOf(Date.now() * 1000) ? null : next;
  };
  return (
    <section class="panel calendar" aria-labelledby="coverage-title">
      <header>
        <h1 id="coverage-title">{t("coverage")}</h1>
        <div class="tools">
          <input
            type="search"
            value={filter}
            placeholder={t("filter")}
            aria-label={t("filter")}
            autocomplete="off"
            onInput={(event) => {
              filter.value = event.currentTarget.value;
            }}
          />
          <StreamChoice value={stream} />
          <div class="steps">
            <button type="button" onClick={() => step(-span)}>
              ‹ {t("earlier")}
            </button>
            <span class="quiet">
              {dateName(from)} – {dateName(to)}
            </span>
            <button type="button" disabled={last.value === null} onClick={() => step(span)}>
              {t("later")} ›
            </button>
          </div>
        </div>
        <p class="quiet">{t("coverageHint")}</p>
        <Legend />
      </header>
      <Trouble trouble={table.trouble} hasValue={shown !== null} />
      {shown !== null && <Calendar table={shown} filter={filter.value} stream={stream.value} />}
    </section>
  );
}

function Legend() {
  return (
    <p class="legend" aria-hidden="true">
      {([1, 0.9995, 0.99, 0.9, 0.2] as const).map((share, n) => (
        <span key={share}>
          <i class={`cell ${coverageLevel(share)}`} />
          {["100%", "≥ 99.9%", "≥ 99%", "≥ 90%", "< 90%"][n]}
        </span>
      ))}
    </p>
  );
}

function Calendar({ table, filter, stream }: { table: CoverageTable; filter: string; stream: string }) {
  const wanted = filter.trim().toUpperCase();
  const rows = table.rows.filter(({ symbol }) => symbol.includes(wanted));
  const box = useRef<HTMLTableElement>(null);
  // On a narrow screen the newest days are the ones to begin with.
  useEffect(() => {
    const scrolled = box.current?.closest(".scroll");
    if (scrolled) scrolled.scrollLeft = scrolled.scrollWidth;
  }, [table.dates.at(-1)]);
  if (table.rows.length === 0) return <p class="empty">{t("noSymbols")}</p>;
  if (rows.length === 0) return <p class="empty">{t("noMatch", { text: filter })}</p>;
  return (
    <div class="scroll">
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table in which the arrow keys move */}
      <table ref={box} class="grid" role="grid" aria-label={t("coverage")} onKeyDown={move}>
        <thead>
          <tr>
            <th scope="col" class="name">
              {t("symbol")}
            </th>
            {table.dates.map((date) => (
              <th key={date} scope="col" class={date.endsWith("-01") ? "date first" : "date"} title={dateName(date)}>
                {Number(date.slice(8))}
                <small>{weekday(date)}</small>
              </th>
            ))}
            <th scope="col" class="mean">
              {t("mean")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <Row
              key={row.symbol}
              symbol={row.symbol}
              coverage={row.coverage}
              dates={table.dates}
              stream={stream}
              first={n === 0}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = {
  symbol: string;
  coverage: readonly (number | null)[];
  dates: readonly string[];
  stream: string;
  first: boolean;
};

/** The cells are there only near the screen: 300 rows of 31 are too many to draw at once. */
function Row({ symbol, coverage, dates, stream, first }: RowProps) {
  const row = useRef<HTMLTableRowElement>(null);
  const visible = useSignal(false);
  useEffect(() => (row.current === null ? undefined : watchVisible(row.current, visible)), []);
  const known = coverage.filter((share) => share !== null);
  const mean = known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length;
  return (
    <tr ref={row} data-symbol={symbol}>
      <th scope="row" class="name">
        {symbol}
      </th>
      {visible.value || first ? (
        dates.map((date, n) => {
          const share = coverage[n] ?? null;
          const label = `${symbol} ${dateName(date)}: ${share === null ? t("none") : coveragePercent(share)}`;
          return (
            <td key={date}>
              <a
                class={`cell ${coverageLevel(share)}`}
                href={dayPath(symbol, date, stream === "" ? null : stream)}
                title={label}
                tabIndex={first && n === dates.length - 1 ? 0 : -1}
                onClick={follow}
              >
                <span class="unseen">{label}</span>
              </a>
            </td>
          );
        })
      ) : (
        <td colSpan={dates.length} />
      )}
      <td class="mean">{coveragePercent(mean)}</td>
    </tr>
  );
}

/** Arrow keys go from day to day, as in any grid. */
function move(event: KeyboardEvent): void {
  const from = event.target;
  if (!(from instanceof HTMLAnchorElement)) return;
  const row = from.closest("tr");
  const cells = [...(row?.querySelectorAll<HTMLAnchorElement>("a.cell") ?? [])];
  const at = cells.indexOf(from);
  const beside = (other: Element | null | undefined) => other?.querySelectorAll<HTMLAnchorElement>("a.cell")[at];
  const target = {
    ArrowLeft: cells[at - 1],
    ArrowRight: cells[at + 1],
    ArrowUp: beside(row?.previousElementSibling),
    ArrowDown: beside(row?.nextElementSibling),
    Home: cells[0],
    End: cells.at(-1),
  }[event.key];
  if (event.key === " ") go(from.href);
  else if (target === undefined) return;
  else target.focus();
  event.preventDefault();
}
