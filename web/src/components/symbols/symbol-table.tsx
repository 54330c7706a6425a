import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number } from "../../present/format.ts";
import { status, symbolNames } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";
import { arrange, type Column, columns, filter, order, sortBy } from "./symbol-order.ts";
import { SymbolRow } from "./symbol-row.tsx";

/** Rows sorted by a moving figure are put in order anew this often, ms. */
const reorderMs = 5000;

/** Every recorded symbol; sortable, filterable. */
export function SymbolTable() {
  const shown = useSignal<readonly string[]>([]);
  useSignalEffect(() => {
    shown.value = arrange();
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const next = arrange();
      if (next.join() !== shown.value.join()) shown.value = next;
    }, reorderMs);
    return () => clearInterval(timer);
  }, []);
  const count = useComputed(() => t("shown", { n: number(shown.value.length), all: number(symbolNames.value.length) }));
  return (
    <section class="panel symbols" aria-labelledby="symbols-title">
      <header>
        <h2 id="symbols-title">{t("symbols")}</h2>
        <span class="quiet" role="status" data-shown={useComputed(() => shown.value.length)}>
          {count}
        </span>
        <SortChoice />
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
      </header>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.value.map((name) => (
            <SymbolRow key={name} name={name} />
          ))}
        </tbody>
      </table>
      {shown.value.length === 0 && <Empty />}
    </section>
  );
}

function Heading({ column }: { column: Column }) {
  const direction = order.value?.column === column ? (order.value.descending ? "descending" : "ascending") : "none";
  return (
    <th scope="col" aria-sort={direction} data-column={column}>
      <button type="button" onClick={() => sortBy(column)}>
        {t(column)}
        <span class="arrow" aria-hidden="true" />
      </button>
    </th>
  );
}

/** The headings' work where the screen is too narrow for headings. */
function SortChoice() {
  const chosen = order.value;
  return (
    <span class="sort">
      <select
        aria-label={t("sortBy")}
        value={chosen?.column ?? ""}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">{t("sortBy")}</option>
        {columns.map((column) => (
          <option key={column} value={column}>
            {t(column)}
          </option>
        ))}
      </select>
      {chosen !== null && (
        <button
          type="button"
          class={chosen.descending ? "turn descending" : "turn"}
          aria-label={t(chosen.descending ? "descending" : "ascending")}
          onClick={() => sortBy(chosen.column)}
        />
      )}
    </span>
  );
}

function choose(value: string): void {
  const column = columns.find((candidate) => candidate === value);
  if (column === undefined) order.value = null;
  else sortBy(column);
}

function Empty() {
  if (status.value === null) return <Skeleton />;
  if (symbolNames.value.length === 0) return <p class="empty">{t("noSymbols")}</p>;
  return (
    <p class="empty">
      {t("noMatch", { text: filter.value })}{" "}
      <button
        type="button"
        class="plain"
        onClick={() => {
          filter.value = "";
        }}
      >
        {t("clearFilter")}
      </button>
    </p>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: 6 }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}
