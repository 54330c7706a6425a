import { computed, signal, untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { isPhone } from "../../browser/width.ts";
import { number } from "../../present/format.ts";
import { shortDate } from "../../present/time.ts";
import { worstDays } from "../../state/month.ts";
import { hasPrices, longestPrices } from "../../state/prices.ts";
import { status, symbolNames } from "../../state/state.ts";
import { today } from "../../state/today.ts";
import { t } from "../../words/i18n.ts";
import { arrange, attentive, type Column, columns, density, filter, order, sortBy } from "./symbol-order.ts";
import { SymbolRow } from "./symbol-row.tsx";

/** Rows that are drawn first, and at most with each step: all at once would keep a phone busy for a second. */
const firstRows = 3;
const moreRows = 12;

const drawn = signal(firstRows);

/** True once every symbol has its row: parts below the table come then, since rows that follow would move them. */
export const allDrawn = computed(() => status.value !== null && drawn.value >= symbolNames.value.length);

/** Draws the rows step by step; the browser can answer between two steps. */
function useSteps(): void {
  useSignalEffect(() => {
    if (drawn.value >= symbolNames.value.length) return;
    const timer = setTimeout(() => {
      drawn.value += Math.min(moreRows, drawn.value);
    });
    return () => clearTimeout(timer);
  });
}

/** Rows sorted by a moving figure are put in order this often, ms. */
const reorderMs = 5000;

/** Every recorded symbol; with more than a few of them sortable and with a filter. */
export function SymbolTable() {
  const shown = useSignal<readonly string[]>(useMemo(() => untracked(arrange), []));
  const isTodayKnown = useComputed(() => today.value !== null);
  useSignalEffect(() => {
    // Which symbols need attention is known from then on.
    void isTodayKnown.value;
    shown.value = arrange();
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const next = arrange();
      if (next.join() !== shown.value.join()) shown.value = next;
    }, reorderMs);
    return () => clearInterval(timer);
  }, []);
  useSteps();
  const all = symbolNames.value.length;
  // The first sentence says so.
  if (all === 0 && status.value !== null) return null;
  const look = density.value;
  const names = shown.value;
  const half = look === "dense" ? Math.ceil(names.length / 2) : names.length;
  // On a phone the second half is below the first.
  const later = isPhone.value ? drawn.value - half : drawn.value;
  const parts = [names.slice(0, Math.min(half, drawn.value)), names.slice(half, half + Math.max(0, later))];
  return (
    <section
      class={`panel syms ${look}${hasPrices.value ? "" : " no-price"}`}
      aria-labelledby="symbols-title"
      data-shown={parts.flat().length}
    >
      <header class={look === "roomy" ? "ph" : ""}>
        <h2 id="symbols-title">{t(all === 1 ? "symbolsOne" : "symbolsCount", { n: number(all) })}</h2>
        {look === "roomy" ? <span class="end t1">{t("barsToday")}</span> : <Tools shown={names.length} all={all} />}
      </header>
      <div class="split">
        {parts.map((part, n) => (part.length === 0 ? null : <Part key={n === 0 ? "first" : "second"} names={part} />))}
      </div>
      {names.length === 0 && <Empty />}
    </section>
  );
}

function Part({ names }: { names: readonly string[] }) {
  const first = worstDays.value[0]?.date;
  return (
    <table>
      <thead>
        <tr>
          <Heading column="symbol" look="c-sym" />
          <th scope="col" class="c-mid">
            {t("midPrice")}
          </th>
          <th scope="col" class="c-spark">
            <SparkHeading />
          </th>
          <Heading column="rate" look="c-rate" />
          <Heading column="p99" look="c-p99" />
          <Heading column="coverageToday" look="c-today" />
          <th scope="col" class="c-month">
            <div class="cell">
              <span class="scale">
                <span>{first === undefined ? "" : shortDate(first)}</span>
              </span>
              <span>{t("thirtyDays")}</span>
            </div>
          </th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <SymbolRow key={name} name={name} />
        ))}
      </tbody>
    </table>
  );
}

/** Says how much of the hour is known. */
function SparkHeading() {
  const text = useComputed(() => {
    const minutes = longestPrices.value;
    return minutes < 2 ? t("lastHour") : t("lastMinutes", { n: number(minutes) });
  });
  return <>{text}</>;
}

function Heading({ column, look }: { column: Column; look: string }) {
  const direction = order.value?.column === column ? (order.value.descending ? "descending" : "ascending") : "none";
  const button = (
    <button type="button" onClick={() => sortBy(column)}>
      {t(column)}
      {direction !== "none" && <span aria-hidden="true">{direction === "descending" ? " ↓" : " ↑"}</span>}
    </button>
  );
  return (
    <th scope="col" aria-sort={direction} data-column={column} class={look}>
      {column === "coverageToday" ? (
        <div class="cell">
          <span class="scale" aria-hidden="true">
            {["00", "06", "12", "18", "24"].map((hour) => (
              <span key={hour}>{hour}</span>
            ))}
          </span>
          {button}
        </div>
      ) : (
        button
      )}
    </th>
  );
}

function Tools({ shown, all }: { shown: number; all: number }) {
  const attention = useComputed(() =>
    symbolNames.value.length > 0 && status.value !== null ? attentive().size : 0,
  ).value;
  return (
    <>
      <span class="soft" role="status">
        {shown < all
          ? t("shown", { n: number(shown), all: number(all) })
          : attention > 0 && order.value === null
            ? t(attention === 1 ? "attentionOne" : "attention", { n: number(attention) })
            : ""}
      </span>
      <div class="end">
        <input
          type="search"
          value={filter}
          placeholder={t("filter")}
          aria-label={t("filter")}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />
        <select aria-label={t("sortBy")} value={order.value?.column ?? ""} onChange={choose}>
          <option value="">{t("sortAttention")}</option>
          {columns.map((column) => (
            <option key={column} value={column}>
              {t("sortByColumn", { column: t(column) })}
            </option>
          ))}
        </select>
      </div>
    </>
  );
}

function choose(event: Event): void {
  const column = columns.find((one) => one === (event.currentTarget as HTMLSelectElement).value);
  if (column === undefined) order.value = null;
  else sortBy(column);
}

function Empty() {
  if (status.value === null) {
    return (
      <div class="skeleton" aria-hidden="true">
        <i />
        <i />
        <i />
      </div>
    );
  }
  return (
    <p class="empty">
      {t("noMatch", { text: filter.value })}{" "}
      <button
        type="button"
        class="link"
        onClick={() => {
          filter.value = "";
        }}
      >
        {t("clearFilter")}
      </button>
    </p>
  );
}
